/** Styles that resemble Grafana's dark theme. */
export const STYLE = `
  body { margin: 0; background: #111217; color: #ccccdc; font: 13px Inter, 'DejaVu Sans', sans-serif; }
  header { display: flex; gap: 10px; align-items: center; height: 48px; padding: 0 16px; }
  header b { font-size: 16px; margin-right: auto; }
  header span { background: #181b1f; border: 1px solid #2e3136; padding: 4px 8px; border-radius: 2px; }
  main { position: relative; margin: 0 8px; }
  section { position: absolute; background: #181b1f; border: 1px solid #24262b; border-radius: 3px; overflow: hidden; }
  section.row { background: none; border: none; font-weight: 500; font-size: 15px; line-height: 30px; }
  h2 { font-size: 13px; font-weight: 500; margin: 7px 10px 5px; white-space: nowrap; }
  h2 + div { position: absolute; inset: 30px 8px 6px; overflow: hidden; }
  .values { display: flex; height: 100%; align-items: center; justify-content: space-evenly; text-align: center; }
  .values big { display: block; font-size: 30px; font-weight: 500; line-height: 1.15; }
  table { border-collapse: collapse; width: 100%; table-layout: auto; }
  th { text-align: left; color: #6e9fff; font-weight: 500; }
  th, td { padding: 4px 8px; border-bottom: 1px solid #24262b; white-space: nowrap; max-width: 260px; overflow: hidden; text-overflow: ellipsis; }
  td.number, th.number { text-align: right; }
  td.link { text-decoration: underline; text-decoration-color: #5a6270; }
  .none { display: grid; place-items: center; height: 100%; color: #8e8e99; }
  .bar { display: grid; grid-template-columns: 38% 1fr 60px; gap: 8px; align-items: center; height: 26px; }
  .bar i { display: block; background: #24262b; height: 18px; } .bar i i { height: 100%; }
  .bar span { overflow: hidden; white-space: nowrap; text-overflow: ellipsis; text-align: right; }
  .band { display: grid; grid-template-columns: 210px 1fr; gap: 8px; margin-bottom: 3px; align-items: center; }
  .band span { text-align: right; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
  .band div { position: relative; height: 20px; }
  .band i { position: absolute; top: 0; bottom: 0; overflow: hidden; font-style: normal; font-size: 11px; color: #111217; padding-left: 3px; line-height: 20px; box-sizing: border-box; opacity: .85; }
  .graph { display: flex; flex-direction: column; height: 100%; } .graph.right { flex-direction: row; }
  .graph .plot { flex: 1; min-width: 0; min-height: 0; }
  .legend { max-height: 38%; overflow: hidden; font-size: 12px; } .right .legend { max-height: none; flex: 0 0 38%; }
  .legend div { display: grid; grid-template-columns: 14px 1fr 84px 84px; height: 19px; align-items: center; }
  .right .legend div { grid-template-columns: 14px 1fr 74px; }
  .legend div * { overflow: hidden; white-space: nowrap; text-overflow: ellipsis; } .legend em { font-style: normal; text-align: right; }
  .legend i { width: 10px; height: 3px; }`;
