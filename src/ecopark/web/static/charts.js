// Draws the charts from the JSON beside them. The numbers and words come from the server; only the drawing is here.
"use strict";
(() => {
  const drawn = new Map();
  const reduced = window.matchMedia("(prefers-reduced-motion: reduce)");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function look() {
    return {
      ink: style("--ink"),
      faint: style("--ink-faint"),
      rule: style("--rule"),
      paper: style("--paper"),
      font: getComputedStyle(document.body).fontFamily,
      size: Math.round(parseFloat(getComputedStyle(document.body).fontSize) * 0.82),
    };
  }

  // figures in the page's own manner: as many decimals as suit the size, thousands separated
  function write(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    const size = Math.abs(value);
    const places = size === 0 ? 0 : Math.min(6, Math.max(0, 3 - Math.floor(Math.log10(size))));
    const text = value.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
    return text.replace("-", "−");
  }

  function axisNumber(value) {
    const size = Math.abs(value);
    if (size >= 1e6) return `${(value / 1e6).toLocaleString("en-US")}M`.replace("-", "−");
    return value.toLocaleString("en-US").replace("-", "−");
  }

  const textStyle = (face) => ({ color: face.ink, fontFamily: face.font, fontSize: face.size });

  function base(face) {
    return {
      animation: false,
      textStyle: textStyle(face),
      tooltip: {
        renderMode: "richText", // no HTML: the content security policy forbids inline styles
        backgroundColor: face.paper,
        borderColor: face.rule,
        textStyle: textStyle(face),
        confine: true,
      },
      aria: { enabled: false }, // the figure has its own label and table
    };
  }

  const valueAxis = (face, unit) => ({
    type: "value",
    name: unit,
    nameLocation: "end",
    nameTextStyle: { color: face.faint, fontFamily: face.font, fontSize: face.size },
    axisLabel: { color: face.faint, formatter: axisNumber, hideOverlap: true, fontFamily: face.font },
    splitLine: { lineStyle: { color: face.rule, width: 1 } },
    axisLine: { show: false },
  });

  const nameAxis = (face, names, width) => ({
    type: "category",
    data: names,
    axisLabel: {
      color: face.ink, fontFamily: face.font, fontSize: face.size, interval: 0,
      width, overflow: width ? "break" : "none",
    },
    axisTick: { show: false },
    axisLine: { lineStyle: { color: face.faint } },
  });

  const ruler = document.createElement("canvas").getContext("2d");
  function widthOf(text, face) {
    ruler.font = `${face.size}px ${face.font}`;
    return ruler.measureText(text).width;
  }

  // a legend that takes as many lines as its names need; returns its height too
  function legend(face, names, box) {
    if (names.length < 2) return { height: 4, option: { show: false } };
    let lines = 1, used = 0;
    for (const name of names) {
      const wide = widthOf(name, face) + 30;
      if (used && used + wide > box.clientWidth - 8) { lines += 1; used = 0; }
      used += wide;
    }
    const option = {
      show: true, top: 0, left: 0, width: box.clientWidth - 4, itemWidth: 11, itemHeight: 11, itemGap: 12, icon: "rect",
      textStyle: textStyle(face), selectedMode: false,
    };
    return { height: lines * (face.size + 11) + 6, option };
  }

  function labelWidth(names, box, face, part) {
    const longest = Math.max(24, ...names.map((name) => widthOf(name, face)));
    return Math.min(Math.ceil(longest) + 6, Math.round(box.clientWidth * (part || 0.36)));
  }

  // lying, stacked bars: one bar for each group, one part for each series, the sum at its end
  function bars(data, face, box) {
    const width = labelWidth(data.groups, box, face);
    const key = legend(face, data.series.length > 1 ? data.series.map((part) => part.name) : [], box);
    const room = Math.max(...data.sums.map((text) => widthOf(text, face))) + 14;
    const ends = data.groups.map((_, place) => data.series.reduce((sum, part) => sum + Math.max(0, part.values[place] || 0), 0));
    const sums = (params, api) => {
      const at = api.coord([ends[params.dataIndex], params.dataIndex]);
      return { type: "text", style: { text: data.sums[params.dataIndex], x: at[0] + 6, y: at[1], verticalAlign: "middle", fill: face.ink, fontFamily: face.font, fontSize: face.size } };
    };
    return {
      ...base(face),
      legend: key.option,
      grid: { left: width + 10, right: room, top: key.height + 4, bottom: 24 },
      xAxis: { ...valueAxis(face, ""), splitNumber: box.clientWidth < 420 ? 3 : 5 },
      yAxis: { ...nameAxis(face, data.groups, width), inverse: true },
      tooltip: { ...base(face).tooltip, trigger: "item", formatter: (p) => `${p.name}\n${p.seriesName}: ${write(p.value)} ${data.unit}` },
      series: [
        ...data.series.map((part) => ({
          type: "bar", name: part.name, stack: "all", barMaxWidth: 20, barCategoryGap: "36%", data: part.values,
          itemStyle: { color: part.colour, borderColor: face.paper, borderWidth: 0.5 }, links: part.links,
        })),
        { type: "custom", renderItem: sums, silent: true, clip: false, data: ends.map((end, place) => [end, place]) },
      ],
    };
  }

  // standing bars: side by side, or stacked, one group for each year
  function paired(data, face, box) {
    const key = legend(face, data.series.map((part) => part.name), box);
    const widest = data.stacked ? 64 : 34;
    return {
      ...base(face),
      legend: key.option,
      grid: { left: 4, right: 8, top: key.height + 22, bottom: 4, containLabel: true },
      xAxis: nameAxis(face, data.groups),
      yAxis: { ...valueAxis(face, data.unit), nameTextStyle: { color: face.faint, fontFamily: face.font, fontSize: face.size, align: "left" } },
      tooltip: { ...base(face).tooltip, trigger: "item", formatter: (p) => `${p.name}\n${p.seriesName}: ${write(p.value)} ${data.unit}` },
      series: data.series.map((part) => ({
        type: "bar", name: part.name, barMaxWidth: box.clientWidth < 420 ? 18 : widest, barGap: "8%", data: part.values,
        stack: data.stacked ? "all" : undefined,
        itemStyle: { color: part.colour, borderColor: face.paper, borderWidth: data.stacked ? 0.5 : 0 }, links: part.links,
      })),
    };
  }

  function treemap(data, face) {
    const label = { fontFamily: face.font, fontSize: face.size, color: "#fff" };
    // dark words on light areas, light words on dark ones
    const readable = (node) => {
      const colour = node.itemStyle && node.itemStyle.color;
      if (!colour) return { ...node, children: (node.children || []).filter((part) => part.value > 0).map(readable) };
      const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
      const light = 0.299 * red + 0.587 * green + 0.114 * blue > 140;
      return { ...node, label: { color: light ? "#14181c" : "#fff" } };
    };
    return {
      ...base(face),
      tooltip: { ...base(face).tooltip, formatter: (p) => `${(p.treePathInfo || []).slice(1).map((n) => n.name).join(" · ")}\n${write(p.value)} ${data.unit}` },
      series: [{
        type: "treemap", roam: false, nodeClick: false, breadcrumb: { show: false }, left: 0, right: 0, top: 0, bottom: 0,
        data: data.rows.filter((row) => row.value > 0).map(readable), label: { ...label, overflow: "truncate" },
        upperLabel: { show: true, height: 22, color: face.ink, fontFamily: face.font, fontSize: face.size, overflow: "truncate" },
        itemStyle: { borderColor: face.paper, borderWidth: 1, gapWidth: 1 },
        levels: [
          { itemStyle: { borderColor: face.paper, borderWidth: 0, gapWidth: 4 }, upperLabel: { show: false } },
          { itemStyle: { borderColor: face.rule, borderWidth: 1, gapWidth: 1 }, upperLabel: { show: true } },
        ],
      }],
    };
  }

  function waterfall(data, face, box) {
    const names = data.rows.map((row) => row.name);
    const width = labelWidth(names, box, face, 0.42);
    const ends = data.rows.flatMap((row) => [row.start, row.end]);
    const steps = data.rows.filter((row) => row.role === "step").flatMap((row) => [row.start, row.end]);
    // totals dwarf steps: cut the axis below the steps where they are small, and say so by the axis itself
    const low = Math.min(...(steps.length ? steps : ends)), high = Math.max(...ends);
    const cut = low > 0 && (high - low) < 0.35 * high ? Math.max(0, low - 0.6 * (high - low)) : undefined;
    const item = (params, api) => {
      const row = data.rows[params.dataIndex];
      const from = api.coord([Math.max(row.start, cut ?? -Infinity), params.dataIndex]);
      const to = api.coord([row.end, params.dataIndex]);
      const thick = Math.min(22, api.size([0, 1])[1] * 0.62);
      const left = Math.min(from[0], to[0]), right = Math.max(from[0], to[0]);
      return {
        type: "group",
        children: [
          { type: "rect", shape: { x: left, y: from[1] - thick / 2, width: Math.max(1.5, right - left), height: thick }, style: { fill: row.colour } },
          { type: "text", style: { text: row.text, x: right + 5, y: from[1], verticalAlign: "middle", fill: face.ink, fontFamily: face.font, fontSize: face.size } },
        ],
      };
    };
    return {
      ...base(face),
      grid: { left: width + 10, right: Math.max(...data.rows.map((row) => widthOf(row.text, face))) + 12, top: 4, bottom: 24 },
      xAxis: { ...valueAxis(face, ""), min: cut, scale: cut !== undefined, splitNumber: box.clientWidth < 420 ? 2 : 5 },
      yAxis: { ...nameAxis(face, names, width), inverse: true },
      tooltip: { ...base(face).tooltip, formatter: (p) => `${p.name}\n${write(data.rows[p.dataIndex].value)} ${data.unit}` },
      series: [{
        type: "custom", renderItem: item, clip: false, encode: { x: [0, 1], y: 2 },
        data: data.rows.map((row, place) => ({ name: row.name, value: [row.start, row.end, place] })),
        links: data.rows.map((row) => row.link),
      }],
    };
  }

  // a bar for the value and a whisker for its 95 % range
  function ranges(data, face, box) {
    const names = data.rows.map((row) => row.name);
    const width = labelWidth(names, box, face);
    const whisker = (params, api) => {
      const row = data.rows[params.dataIndex];
      if (row.low === null || row.high === null) return null;
      const low = api.coord([row.low, params.dataIndex]), high = api.coord([row.high, params.dataIndex]);
      const line = { stroke: face.ink, lineWidth: 1.5 };
      const stroke = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: line });
      return { type: "group", children: [
        stroke(low[0], low[1], high[0], high[1]), stroke(low[0], low[1] - 5, low[0], low[1] + 5), stroke(high[0], high[1] - 5, high[0], high[1] + 5),
      ] };
    };
    return {
      ...base(face),
      grid: { left: width + 10, right: 24, top: 4, bottom: 24 },
      xAxis: { ...valueAxis(face, ""), splitNumber: box.clientWidth < 420 ? 3 : 5 },
      yAxis: { ...nameAxis(face, names, width), inverse: true },
      tooltip: { ...base(face).tooltip, formatter: (p) => {
        const row = data.rows[p.dataIndex];
        return `${row.name}\n${write(row.value)} (${write(row.low)} … ${write(row.high)}) ${data.unit}`;
      } },
      series: [
        { type: "bar", barMaxWidth: 22, links: data.rows.map((row) => row.link), data: data.rows.map((row) => ({ value: row.value, itemStyle: { color: row.colour } })) },
        { type: "custom", renderItem: whisker, silent: true, z: 5, encode: { x: [1, 2], y: 0 },
          data: data.rows.map((row, place) => [place, row.low, row.high]) },
      ],
    };
  }

  const columns = (data, face, box) => paired({ ...data, stacked: true }, face, box);
  const kinds = { bars, columns, paired, treemap, waterfall, ranges };

  // the height that rows need, once it is known how many lines the legend takes
  function fit(box, data, face) {
    const names = (data.series || []).map((part) => part.name);
    const above = data.kind === "bars" ? legend(face, names, box).height : 0;
    const rows = (data.kind === "bars" ? data.groups : data.rows || []).length;
    const narrow = box.clientWidth < 500;
    const each = { bars: 25, ranges: 27, waterfall: narrow ? 42 : 32 }[data.kind];
    if (each) box.style.height = `${above + Math.max(2, rows) * each + 36}px`;
  }

  function draw(box) {
    const data = JSON.parse(document.getElementById(`${box.dataset.chart}-json`).textContent);
    fit(box, data, look());
    const chart = drawn.get(box) || echarts.init(box, null, { renderer: box.dataset.renderer || "canvas" });
    chart.resize();
    chart.setOption(kinds[data.kind](data, look(), box), true);
    if (!drawn.has(box)) {
      chart.on("click", (event) => {
        const series = chart.getOption().series[event.seriesIndex];
        const link = (event.data && event.data.link) || (series.links && series.links[event.dataIndex]);
        if (link) window.location.assign(link);
      });
      drawn.set(box, chart);
      box.dataset.drawn = "yes";
    }
    return chart;
  }

  function drawAll(within) {
    if (!window.echarts) return;
    for (const box of within.querySelectorAll("[data-chart]")) draw(box);
  }

  function download(button) {
    const box = document.querySelector(`[data-chart="${button.dataset.png}"]`);
    const chart = box && drawn.get(box);
    if (!chart) return;
    const link = document.createElement("a");
    link.href = chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: style("--paper") });
    link.download = `${button.dataset.png}.png`;
    link.click();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-png]");
    if (button) download(button);
  });
  const redraw = () => { for (const box of drawn.keys()) if (box.isConnected) draw(box); };
  document.addEventListener("ecopark:theme", redraw);
  dark.addEventListener("change", redraw);
  document.addEventListener("htmx:after:swap", () => drawAll(document));
  let waiting = 0;
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(redraw, reduced.matches ? 0 : 120);
  });
  window.addEventListener("beforeprint", () => { for (const chart of drawn.values()) chart.resize({ width: 640 }); });
  window.addEventListener("afterprint", () => { for (const chart of drawn.values()) chart.resize({ width: "auto" }); });
  drawAll(document);
})();
