import { COLUMNS } from './container-table.ts';

/** In a window too narrow for a table each container is a block, in which figures need the heading of their column. */
const LABELS = COLUMNS.map(
  ({ heading }, index) => `tbody td.labelled:nth-child(${index + 1})::before { content: '${heading}'; }`,
);

/** The style sheet of the page. Text has a contrast of at least 4.5 in both schemes. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fcfcfb; --raised: #f3f4f2; --ink: #1c2128; --quiet: #5b6570; --line: #dfe2e4; --link: #0a58b5; --bar: #7f9cbd; --track: #e4e8ec; --warn-ink: #7a4a00; --warn-paper: #fff1d6; --warn-bar: #d08700; --bad-ink: #a3201a; --bad-paper: #fdeae8; --worst-ink: #fff; --worst-paper: #ab241d; }
@media (prefers-color-scheme: dark) { :root { --paper: #13171c; --raised: #1b2027; --ink: #e3e8ee; --quiet: #9aa5b1; --line: #2d343d; --link: #82b8ff; --bar: #5d7fa6; --track: #29313a; --warn-ink: #f0c070; --warn-paper: #33270f; --warn-bar: #c98a1b; --bad-ink: #ffaca3; --bad-paper: #3b1916; --worst-ink: #fff; --worst-paper: #9c2019; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 96rem; padding: 1rem 1.25rem 3rem; background: var(--paper); color: var(--ink); font: 14px/1.45 system-ui, sans-serif; }
a { color: var(--link); text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px; }
h1 { font-size: 1.35rem; font-weight: 600; margin: 0; }
h2 { font-size: 1.1rem; font-weight: 600; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; font-weight: 600; margin: 0; }
small { font-size: .86em; color: var(--quiet); }
code { font: .92em ui-monospace, monospace; overflow-wrap: anywhere; }
.quiet, .unknown { color: var(--quiet); }
.skip { position: absolute; left: -99em; }
.skip:focus { position: static; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1.5rem; }
header p { margin: 0; color: var(--quiet); }
nav { margin-left: auto; display: flex; gap: 1rem; }
.warning { color: var(--warn-ink); }
p.warning { background: var(--warn-paper); border-radius: 4px; padding: .4rem .7rem; margin: .6rem 0; }
.summary { display: flex; flex-wrap: wrap; gap: .1rem 2.5rem; margin: .7rem 0; }
.summary div { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1rem; }
.summary dt { color: var(--quiet); }
.summary dd { margin: 0; }
.summary a { text-decoration: none; }
.summary a { display: inline-block; padding: .15rem 0; }
.summary a:hover, thead a:hover { text-decoration: underline; }
.tools { display: flex; flex-wrap: wrap; align-items: end; justify-content: space-between; gap: .5rem; margin-top: .9rem; padding: .6rem .7rem; background: var(--raised); border-radius: 6px; }
form { display: flex; flex-wrap: wrap; align-items: end; gap: .5rem .9rem; }
label { display: grid; gap: .1rem; font-size: .86em; color: var(--quiet); }
input, select, button { font: inherit; font-size: 14px; color: var(--ink); background: var(--paper); border: 1px solid var(--quiet); border-radius: 4px; height: 2rem; padding: 0 .5rem; }
input[type=search] { width: 17rem; max-width: 100%; }
select { max-width: 15rem; }
button { cursor: pointer; }
#refresh { display: flex; align-items: baseline; gap: .7rem; margin-left: auto; }
#refresh p { margin: 0; color: var(--warn-ink); }
#refresh .stale { position: fixed; right: 1rem; bottom: 1rem; z-index: 2; max-width: calc(100% - 2rem); padding: .5rem .9rem; background: var(--warn-paper); border: 1px solid; border-radius: 4px; }
[hidden] { display: none !important; }
table { border-collapse: collapse; width: 100%; margin-top: .4rem; }
caption { text-align: left; color: var(--quiet); padding: .4rem 0; }
th, td { text-align: left; vertical-align: top; padding: .45rem .7rem .1rem 0; font-weight: 400; }
thead th { padding: .15rem .7rem .15rem 0; border-bottom: 1px solid var(--quiet); white-space: nowrap; position: sticky; top: 0; background: var(--paper); }
thead a { display: inline-block; padding: .2rem 0; color: var(--ink); font-weight: 600; text-decoration: underline dotted 1px var(--quiet); text-underline-offset: 3px; }
thead span { font-size: .7em; margin-left: .3em; }
tbody { border-bottom: 1px solid var(--line); }
tbody:hover { background: var(--raised); }
tbody th { min-width: 13rem; max-width: 20rem; overflow-wrap: anywhere; }
tbody th small { display: block; }
.name { font-weight: 600; }
.figure { font-variant-numeric: tabular-nums; white-space: nowrap; }
.found { min-width: 13rem; }
td small { display: block; }
.more td { padding: 0 0 .25rem; }
.level { white-space: nowrap; }
.ladder { width: 29px; height: 12px; vertical-align: -1px; margin-right: .3em; }
.ladder .on { fill: var(--bar); }
.ladder .off { fill: var(--track); }
.low0 { color: var(--bad-ink); font-weight: 600; }
.low0 .on { fill: var(--bad-ink); }
.low1 { color: var(--warn-ink); }
.low1 .on { fill: var(--warn-bar); }
abbr { text-decoration: none; }
.bar { display: block; width: 5.5rem; height: 4px; margin: .2rem 0 .1rem; background: var(--track); border-radius: 2px; }
.bar rect { fill: var(--bar); }
.bar.full rect { fill: var(--warn-bar); }
small.full { color: var(--warn-ink); }
.chips { display: flex; flex-wrap: wrap; gap: .2rem .3rem; }
.chip { display: inline-block; font-size: .86em; line-height: 1.35; padding: 0 .45em; border: 1px solid var(--line); border-radius: 3px; color: var(--quiet); white-space: nowrap; }
.chip.critical { background: var(--worst-paper); border-color: var(--worst-paper); color: var(--worst-ink); }
.chip.high { background: var(--bad-paper); border-color: var(--bad-paper); color: var(--bad-ink); }
.chip.medium { background: var(--warn-paper); border-color: var(--warn-paper); color: var(--warn-ink); }
.chip.accepted { border-style: dotted; border-color: var(--quiet); }
.chip.drift { background: var(--warn-paper); border-color: var(--warn-ink); color: var(--warn-ink); }
.chip.unknown { border-style: dashed; border-color: var(--quiet); }
summary { cursor: pointer; padding: .2rem 0; }
.more summary { color: var(--quiet); font-size: .92em; }
.more details[open] { padding-bottom: .3rem; }
.findings { margin: .3rem 0 .4rem; padding: 0; list-style: none; }
.findings li { padding: .15rem 0 .15rem 5.4rem; text-indent: -5.4rem; max-width: 75rem; }
.findings .chip { min-width: 4.8rem; margin-right: .3rem; text-indent: 0; text-align: center; }
.more p { margin: .3rem 0; }
.facts { color: var(--quiet); font-size: .92em; }
.state { display: flex; flex-wrap: wrap; gap: .2rem 2rem; margin: .3rem 0; color: var(--quiet); }
.state p { margin: .2rem 0; }
.sources ul { margin: .3rem 0; padding-left: 1.3rem; }
.sources small { margin-left: .6em; }
article { padding: .6rem .7rem; border-bottom: 1px solid var(--line); scroll-margin-top: 1rem; }
article:target { background: var(--raised); border-radius: 6px; }
article p { margin: .25rem 0; }
article dl { margin: .3rem 0 0; }
article dl div { display: grid; grid-template-columns: 6.5rem minmax(0, 1fr); }
article dt { color: var(--quiet); }
article dd { margin: 0; overflow-wrap: anywhere; }
footer { margin-top: 2rem; color: var(--quiet); }
html { scroll-padding-top: 3rem; }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
@media (max-width: 78rem) { .wide { overflow-x: auto; } thead th { position: static; white-space: normal; } th, td { padding-right: .5rem; } tbody th, .found { min-width: 8.5rem; } }
@media (max-width: 52rem) {
  table, thead, tbody, caption, tbody th, tbody td { display: block; }
  thead tr { display: flex; flex-wrap: wrap; align-items: center; gap: 0 1rem; border-bottom: 1px solid var(--quiet); }
  thead tr::before { content: 'Sort by'; color: var(--quiet); }
  thead th { border: 0; padding: 0; }
  tbody tr:not(.more) { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .4rem 1rem; padding: .5rem 0 .3rem; }
  tbody th, tbody td { padding: 0; }
  tbody th, .found, td[colspan] { grid-column: 1 / -1; max-width: none; }
  td.labelled::before { display: block; font-size: .86em; color: var(--quiet); }
  ${LABELS.join('\n  ')}
}
@media (max-width: 40rem) { nav { margin-left: 0; } .findings li { padding-left: 0; text-indent: 0; } }
@media (forced-colors: active) { .chip, .bar { border: 1px solid; } .bar rect, .ladder .on { fill: CanvasText; } .bar.full rect { fill: Highlight; } .ladder .off { fill: Canvas; stroke: CanvasText; stroke-width: .5; } }
@media print and (max-width: 52rem) { thead { display: none; } }
@media print { nav, .tools, .skip { display: none; } thead th { position: static; } tbody, article { break-inside: avoid; } .chip, .bar, .ladder, p.warning { print-color-adjust: exact; } }
`;
