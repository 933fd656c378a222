'use strict';
// Draws the lines of the GPU page with uPlot from the table beside them, and again when the table
// or the colours change. Without it, the table says the same.
{
  const TIERS = ['ops', 'embedding', 'research'], DASHES = [[], [8, 4], [2, 3]];
  const table = document.getElementById('lines-table');
  const charts = [...document.querySelectorAll('.chart')];
  const token = (name) => {
    // light-dark() is resolved only in a property that holds a colour.
    const probe = document.createElement('i');
    probe.className = `c-${name}`;
    document.body.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  };
  const clock = (seconds, long) => new Date(seconds * 1000).toISOString().slice(11, long ? 19 : 16);
  const read = (column) => [...table.tBodies[0].rows].map((row) => {
    const text = row.cells[column].textContent;
    return text === '' ? null : Number(text);
  });
  const times = () => [...table.tBodies[0].rows].map((row) => Number(row.dataset.t));

  const label = (u, colours) => {
    // The name of each line stands at its end; names that would meet move apart.
    const ends = [];
    u.series.slice(1).forEach((series, n) => {
      const values = u.data[n + 1], last = values.findLastIndex((value) => value !== null);
      if (last >= 0) ends.push({ n, y: u.valToPos(values[last], 'y', true) });
    });
    ends.sort((a, b) => a.y - b.y);
    const { ctx, bbox } = u, ratio = devicePixelRatio, high = 14 * ratio;
    ends.forEach((end, at) => { if (at) end.y = Math.max(end.y, ends[at - 1].y + high); });
    const over = ends.length ? ends.at(-1).y - (bbox.top + bbox.height - 2 * ratio) : 0;
    ctx.save();
    ctx.font = `${12 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = 'middle';
    ctx.textAlign = 'left';
    ends.forEach((end) => {
      ctx.fillStyle = colours.ink;
      ctx.fillText(TIERS[end.n], bbox.left + bbox.width + 6 * ratio, end.y - Math.max(over, 0));
    });
    ctx.restore();
  };

  const make = (at) => {
    const columns = at.dataset.columns.split(',').map(Number), unit = at.dataset.unit || '';
    const colours = Object.fromEntries([...TIERS, 'quiet', 'line', 'ink'].map((name) => [name, token(name)]));
    const said = at.querySelector('output') || at.appendChild(document.createElement('output'));
    const axis = { stroke: colours.quiet, grid: { stroke: colours.line, width: 1 }, ticks: { show: false }, font: '12px system-ui, sans-serif' };
    const tell = (u) => {
      const n = u.cursor.idx ?? u.data[0].length - 1;
      const each = TIERS.map((tier, k) => `${tier} ${u.data[k + 1][n] === null ? 'none' : u.data[k + 1][n] + (unit && ' ' + unit)}`);
      said.textContent = `${clock(u.data[0][n])}: ${each.join(', ')}`;
    };
    const options = {
      width: at.clientWidth, height: 150, padding: [8, 76, 0, 0], legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: { x: { time: true }, y: unit
        ? { distr: 4, asinh: 1, range: (u, low, high) => [0, Math.max(high || 0, 10)] }
        : { range: (u, low, high) => [0, Math.max(high || 0, 4) * 1.05] } },
      axes: [
        { ...axis, size: 30, gap: 8, values: (u, splits) => splits.map((split) => clock(split)) },
        { ...axis, size: 44, splits: unit ? (u) => [0, 1, 10, 60, 600, 3600].filter((v) => v <= u.scales.y.max) : undefined, filter: (u, splits) => splits,
          values: (u, splits) => splits.map((v) => (unit ? (v < 60 ? `${v} s` : v < 3600 ? `${v / 60} min` : `${v / 3600} h`) : Number.isInteger(v) ? v : '')) },
      ],
      series: [{}, ...TIERS.map((tier, n) => ({
        label: tier, stroke: colours[tier], width: 1.75, dash: DASHES[n], spanGaps: Boolean(unit),
        points: { show: false },
      }))],
      hooks: { draw: [(u) => label(u, colours)], setCursor: [tell] },
    };
    const chart = new uPlot(options, [times(), ...columns.map(read)], at);
    tell(chart);
    return { at, chart, columns, tell };
  };

  let drawn = [];
  const redraw = () => {
    drawn.forEach(({ chart }) => chart.destroy());
    drawn = charts.map(make);
  };
  const refresh = () => drawn.forEach(({ chart, columns, tell }) => {
    chart.setData([times(), ...columns.map(read)]);
    tell(chart);
  });

  if (table && charts.length && window.uPlot) {
    redraw();
    new MutationObserver(refresh).observe(table.tBodies[0], { childList: true });
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ['data-theme'] });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
    let width = innerWidth;
    addEventListener('resize', () => { if (innerWidth !== width) { width = innerWidth; redraw(); } });
  }
}
