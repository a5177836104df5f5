#!/usr/bin/env bash
# The Rust crate prometheus-parse cuts label values at commas, and drops lines with a brace in a value or a space before the labels. Needs Cargo.
#
# A label value is any text between quotes, and the text format allows spaces around the tokens. prometheus-parse finds labels by patterns:
# `ro,nosuid` ends at the comma, so two series can become one; escaped quotes stay half escaped; and a line that does not fit is left out
# without an error. Mount options, lists of devices and queries are such values.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir src
cat > Cargo.toml << 'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2021"
[dependencies]
prometheus-parse = "=0.2.5"
TOML
cat > src/main.rs << 'RUST'
fn main() {
    for line in [
        r#"mount{options="ro"} 0"#,
        r#"mount{options="ro,nosuid"} 1"#,
        r#"mount{options="ro,noexec"} 2"#,
        r#"mount { path = "/data" } 3"#,
        r#"rule{text="say \"no\""} 4"#,
        r#"query{text="sum(a{b} > 1)"} 5"#,
    ] {
        let scrape = prometheus_parse::Scrape::parse([Ok(line.to_owned())].into_iter()).unwrap();
        let seen: Vec<String> = scrape
            .samples
            .iter()
            .map(|sample| {
                let labels: Vec<String> = sample.labels.iter().map(|(name, value)| format!("[{name}] is [{value}]")).collect();
                format!("{} where {}", sample.metric, labels.join(", "))
            })
            .collect();
        println!("{line}: {}", if seen.is_empty() { "nothing".to_owned() } else { seen.join("; ") });
    }
}
RUST
cargo build --quiet > cargo.log 2>&1 || { cat cargo.log; exit 1; }
echo 'prometheus-parse 0.2.5'
target/debug/finding | tee seen.txt
diff seen.txt - << 'SEEN'
mount{options="ro"} 0: mount where [options] is [ro]
mount{options="ro,nosuid"} 1: mount where [options] is [ro]
mount{options="ro,noexec"} 2: mount where [options] is [ro]
mount { path = "/data" } 3: nothing
rule{text="say \"no\""} 4: rule where [text] is [say \"no\]
query{text="sum(a{b} > 1)"} 5: nothing
SEEN
