import { HELP, VERSION, commandFlags, daemonFlags } from './flags.ts';
import type { Flag } from './flags.ts';

const PROGRAM = 'isolation-exporter';

/** A command, or the daemon without a name, with everything that may follow it. */
interface Context {
  readonly name: string;
  readonly flags: readonly Flag[];
}

function contexts(): Context[] {
  const daemon = { name: '', flags: [...daemonFlags().flatMap(({ flags }) => flags), VERSION, HELP] };
  return [daemon, ...commandFlags().map(({ name, flags }) => ({ name, flags: [...flags, HELP] }))];
}

/** All ways to write a flag: with and without `no-`. */
function spellings({ name, negatable }: Flag): string[] {
  return negatable ? [name, `no-${name}`] : [name];
}

/** Completes flags, their values and the commands in bash, also without the package bash-completion. */
export function bashCompletion(): string {
  const commands = commandFlags().map(({ name }) => name);
  const valued = new Map(contexts().flatMap(({ name, flags }) => flags.map((flag) => [`${name}:${flag.name}`, flag])));
  const patterns = (wanted: (flag: Flag) => boolean) =>
    [...valued].filter(([, flag]) => wanted(flag)).map(([key]) => key);
  const words = [...valued].flatMap(([key, { values }]) =>
    values === 'files' || values.length === 0 ? [] : [[key, values.join(' ')] as const],
  );
  const flagsOf = ({ name, flags }: Context) =>
    `    '${name}') flags='${flags
      .flatMap(spellings)
      .map((flag) => `--${flag}`)
      .join(' ')}' ;;`;
  return `# bash completion for ${PROGRAM}. Generated from its options.

_isolation_exporter() {
  local command='' flag='' flags='' word previous='' i
  local current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  # Bash splits --flag=value into three words.
  if [[ $current == '=' ]]; then
    current=''
    flag=\${COMP_WORDS[COMP_CWORD - 1]}
  elif [[ \${COMP_WORDS[COMP_CWORD - 1]} == '=' ]]; then
    flag=\${COMP_WORDS[COMP_CWORD - 2]}
  else
    flag=\${COMP_WORDS[COMP_CWORD - 1]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    # A word after a flag may be its value.
    if [[ $previous != --* && $previous != '=' ]]; then
      case $word in ${commands.join('|')}) command=$word ;; esac
    fi
    previous=$word
  done
  case "$command:\${flag#--}" in
${words.map(([key, values]) => `    '${key}') COMPREPLY=($(compgen -W '${values}' -- "$current")); return ;;`).join('\n')}
    ${patterns(({ values }) => values === 'files')
      .map((key) => `'${key}'`)
      .join(' | ')})
      compopt -o filenames 2> /dev/null
      COMPREPLY=($(compgen -f -- "$current"))
      return
      ;;
    ${patterns(({ placeholder, values }) => placeholder !== undefined && values !== 'files' && values.length === 0)
      .map((key) => `'${key}'`)
      .join(' | ')})
      return
      ;;
  esac
  case $command in
${contexts().map(flagsOf).join('\n')}
  esac
  if [[ $command == '' ]]; then flags+=' ${commands.join(' ')}'; fi
  COMPREPLY=($(compgen -W "$flags" -- "$current"))
}

complete -F _isolation_exporter ${PROGRAM}
`;
}

/** Completes flags, their values and the commands in zsh. */
export function zshCompletion(): string {
  const commands = commandFlags();
  const specs = ({ flags }: Context) => flags.flatMap(zshSpecs).map((spec) => `    ${quoted(spec)}`);
  const [daemon, ...others] = contexts();
  return `#compdef ${PROGRAM}
# Generated from the options of ${PROGRAM}.

_isolation_exporter() {
  local curcontext=$curcontext state line
  local -a commands daemon ${commands.map(({ name }) => name).join(' ')}
  commands=(
${commands.map(({ name, help }) => `    ${quoted(`${name}:${help}`)}`).join('\n')}
  )
  daemon=(
${(daemon === undefined ? [] : specs(daemon)).join('\n')}
  )
${others.map((command) => `  ${command.name}=(\n${specs(command).join('\n')}\n  )`).join('\n')}
  _arguments -C $daemon '1: :->command' '*:: :->arguments'
  case $state in
    command) _describe -t commands command commands ;;
    arguments)
      case $words[1] in
${commands.map(({ name }) => `        ${name}) _arguments $${name} ;;`).join('\n')}
      esac
      ;;
  esac
}

_isolation_exporter "$@"
`;
}

function zshSpecs(flag: Flag): string[] {
  const { placeholder, values, repeatable } = flag;
  const help = flag.help.replaceAll(/[[\]:\\]/g, (sign) => `\\${sign}`);
  const star = repeatable ? '*' : '';
  if (placeholder === undefined) return spellings(flag).map((name) => `${star}--${name}[${help}]`);
  const action = values === 'files' ? '_files' : values.length === 0 ? '' : `(${values.join(' ')})`;
  return [`${star}--${flag.name}=[${help}]:${placeholder.replaceAll(/[<>]/g, '')}:${action}`];
}

/** Completes flags, their values and the commands in fish. */
export function fishCompletion(): string {
  const commands = commandFlags();
  const names = commands.map(({ name }) => name).join(' ');
  const none = `not __fish_seen_subcommand_from ${names}`;
  const lines = contexts().flatMap(({ name, flags }) => {
    const condition = name === '' ? none : `__fish_seen_subcommand_from ${name}`;
    return flags.flatMap((flag) =>
      spellings(flag).map((spelling) =>
        [
          `complete -c ${PROGRAM} -n ${quoted(condition)} -l ${spelling}`,
          ...(flag.placeholder === undefined ? [] : flag.values === 'files' ? ['-r', '-F'] : ['-x']),
          ...(flag.values !== 'files' && flag.values.length > 0 ? [`-a ${quoted(flag.values.join(' '))}`] : []),
          `-d ${quoted(flag.help)}`,
        ].join(' '),
      ),
    );
  });
  return `# fish completion for ${PROGRAM}. Generated from its options.
complete -c ${PROGRAM} -f
${commands.map(({ name, help }) => `complete -c ${PROGRAM} -n ${quoted(none)} -a ${name} -d ${quoted(help)}`).join('\n')}
${lines.join('\n')}
`;
}

/** In single quotes, for each of the shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
