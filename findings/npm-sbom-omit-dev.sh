#!/usr/bin/env bash
# `npm sbom --omit=dev` leaves out a package of production if a package of development needs it too, also one that package.json itself
# names. Without the option the list is complete, and marks what only development needs.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > package.json << 'END'
{
  "name": "it", "version": "1.0.0",
  "dependencies": { "color-convert": "2.0.1", "color-name": "1.1.4" },
  "devDependencies": { "ansi-styles": "4.3.0" }
}
END
npm install --package-lock-only --ignore-scripts --no-audit --no-fund --silent
names() {
  npm sbom "$@" --package-lock-only --sbom-format=cyclonedx |
    node -e 'console.log(JSON.parse(fs.readFileSync(0)).components.map((one) => one.name).sort().join(" "))'
}
all=$(names)
without=$(names --omit=dev)
echo "npm $(npm --version)"
echo "without an option: $all"
echo "with --omit=dev:   ${without:-nothing}"
case " $without " in
  *" color-convert "*) echo 'Changed: color-convert, a dependency of production, is listed.' >&2; exit 1 ;;
esac
