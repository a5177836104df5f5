/** A release of Debian that is newer than the machine's. Its packages are downloaded and unpacked, but never installed. */
export type DebianRelease = 'trixie' | 'forky';

/** Bash that sets `own` to the mirror from which this machine has its packages of Debian, and stops without one. */
export const OWN_MIRROR = `
  mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1
  }
  own=$(mirror)
  if [ -z "$own" ]; then
    apt-get -q -o DPkg::Lock::Timeout=300 update
    own=$(mirror)
  fi
  test -n "$own" || { echo 'apt has no source of Debian packages' >&2; exit 1; }`;

/**
 * Bash that defines `of_release COMMAND…`: it runs `apt-get` or `apt-cache` on the packages of that release, from the
 * mirror that the machine itself uses. Lists and archives are below the work folder, so that the machine's own apt does
 * not change.
 */
export const APT_OF_RELEASE = (work: string, release: DebianRelease) => `
  set -e -o pipefail
  cd ${work}
${OWN_MIRROR}
  mkdir -p lists/partial cache/archives/partial
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $own ${release} main" > sources.list
  of_release() {
    local command=$1
    shift
    "$command" -q -o Dir::Etc::sourcelist=${work}/sources.list -o Dir::Etc::sourceparts=/none \\
      -o Dir::State::lists=${work}/lists -o Dir::Cache=${work}/cache -o Acquire::Languages=none \\
      -o APT::Sandbox::User=root "$@"
  }
  for attempt in 1 2 3; do of_release apt-get update && break; sleep 5; done`;
