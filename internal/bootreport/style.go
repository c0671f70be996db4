package bootreport

// style is the picture's style sheet. It names each colour twice rather than
// by variables, which not every program that draws SVG knows.
const style = `
text { font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 11px; fill: #1f2328; }
.title { font-size: 19px; font-weight: 600; }
.sub, .tick, .took { fill: #59636e; }
.took { font-size: 10px; }
.name { font-size: 11.5px; }
.chain { font-weight: 700; }
.goal { font-weight: 700; font-size: 12px; }
.back { fill: #ffffff; }
.panel { fill: #f6f8fa; }
.row { fill: #f6f8fa; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.cores { stroke: #d1d9e0; stroke-width: 1; stroke-dasharray: 2 3; }
.mile { stroke: #1a7f37; stroke-width: 1; stroke-dasharray: 3 3; opacity: .7; }
.reach { stroke: #1a7f37; stroke-width: 2; }
.diamond { fill: #1a7f37; }
.observe { fill: #1a7f37; opacity: .3; }
.link { stroke: #cf222e; stroke-width: 1.6; fill: none; }
.crit { stroke: #cf222e; stroke-width: 1.6; }
.fail { fill: #cf222e; stroke: #ffffff; }
.up { opacity: .22; }
.band { shape-rendering: crispEdges; }
.s0 { fill: #2a78d6; } .s1 { fill: #e8833a; } .s2 { fill: #3a9d5d; } .s3 { fill: #8a5cd1; }
.s4 { fill: #d4588f; } .s5 { fill: #1d9a9a; } .s6 { fill: #b8901c; } .s7 { fill: #6f86a8; }
.init { fill: #57606a; } .rest { fill: #a8744f; } .others { fill: #c9d1d9; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .sub, .tick, .took { fill: #9198a1; }
  .back { fill: #0d1117; }
  .panel { fill: #151b23; }
  .row { fill: #12171e; }
  .grid, .cores { stroke: #2f3742; }
  .mile, .reach { stroke: #3fb950; }
  .diamond, .observe { fill: #3fb950; }
  .link, .crit { stroke: #ff7b72; }
  .fail { fill: #ff7b72; stroke: #0d1117; }
  .up { opacity: .28; }
  .s0 { fill: #4493f8; } .s1 { fill: #f0934e; } .s2 { fill: #46b46c; } .s3 { fill: #a27be6; }
  .s4 { fill: #e0709f; } .s5 { fill: #2bb3b3; } .s6 { fill: #cfa52f; } .s7 { fill: #8299ba; }
  .init { fill: #8b949e; } .rest { fill: #b9835d; } .others { fill: #373e47; }
}
`
