/**
 * A horizontal bar chart as SVG text, readable on light and dark pages, with the reader's own fonts.
 *
 * @module
 */

/** One bar. */
export interface Bar {
  readonly label: string;
  /** How many times as fast. */
  readonly ratio: number;
  /** Whom the bar is compared with. */
  readonly peer: string;
}

const WIDTH = 820;
const LABEL_WIDTH = 350;
const RIGHT = 170;
const ROW_HEIGHT = 26;
const TOP = 56;
/** Gridlines; the axis is logarithmic, since ratios lie between one and a hundred. */
const TICKS = [1, 2, 5, 10, 20, 50, 100, 200, 500];

const escape = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const show = (ratio: number) => ratio.toFixed(ratio < 10 ? 1 : 0);

/** Draws bars of ratios on a logarithmic axis that begins at 1, or below the least of them. */
export function barChart(title: string, subtitle: string, bars: readonly Bar[]): string {
  const ratios = bars.map(({ ratio }) => ratio);
  const greatest = TICKS.find((tick) => tick >= Math.max(...ratios)) ?? Math.max(...ratios);
  const slowest = Math.min(...ratios);
  const least = slowest < 1 ? slowest / 1.2 : 1;
  const plot = WIDTH - LABEL_WIDTH - RIGHT;
  const x = (ratio: number) =>
    Math.round(LABEL_WIDTH + plot * Math.log(ratio / least) / Math.log(greatest / least));
  const bottom = TOP + bars.length * ROW_HEIGHT;
  const ticks = TICKS.filter((tick) => tick <= greatest).map((tick) =>
    `<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="${TOP - 4}" y2="${bottom}"/>` +
    `<text class="note" x="${x(tick)}" y="${bottom + 16}" text-anchor="middle">${tick}x</text>`
  );
  const rows = bars.map(({ label, ratio, peer }, i) => {
    const y = TOP + i * ROW_HEIGHT;
    return `<text x="${LABEL_WIDTH - 10}" y="${y + 16}" text-anchor="end">${escape(label)}</text>` +
      `<rect class="bar" x="${LABEL_WIDTH}" y="${y + 4}" width="${
        Math.max(1, x(ratio) - LABEL_WIDTH)
      }" height="16" rx="2"/>` +
      `<text x="${x(ratio) + 6}" y="${y + 16}"><tspan class="value">${show(ratio)}x</tspan>` +
      ` <tspan class="note">${escape(peer)}</tspan></text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${
    bottom + 28
  }" role="img" aria-label="${escape(title)}">
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; }
.note { font-size: 11px; fill: #59636e; }
.value { font-weight: 600; }
.bar { fill: #2f6fb2; }
.grid { stroke: #d1d9e0; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
.note { fill: #9198a1; }
.bar { fill: #5aa2ee; }
.grid { stroke: #3d444d; }
}
</style>
<text class="title" x="10" y="20">${escape(title)}</text>
<text class="note" x="10" y="38">${escape(subtitle)}</text>
${[...ticks, ...rows].join("\n")}
</svg>
`;
}
