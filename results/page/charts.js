/* Draws charts (the JSON of results/figures/chart.h) with Chart.js:
 *
 *     const drawn = fedcarbonChart(canvas, chart);
 *     drawn.update(chart);   // the same chart with other dots
 *     drawn.destroy();
 *
 * The canvas stands alone in a positioned box, whose height is set here where
 * rows of categories need it; a legend of buttons is put behind that box.
 * Colours follow the reader's scheme, and paper is always light. */
(function () {
  "use strict";

  /* The light one is res_palette; the dark one the same hues, lighter. */
  const themes = {
    light: {
      ink: "#1b1f24", muted: "#57606a", grid: "#e3e6ea", surface: "#ffffff",
      palette: ["#0072b2", "#d55e00", "#009e73", "#cc79a7",
                "#e69f00", "#56b4e9", "#000000", "#7f7f7f"],
    },
    dark: {
      ink: "#e8eaed", muted: "#a3abb5", grid: "#31363d", surface: "#15181c",
      palette: ["#4aa8e0", "#ff8a3d", "#2fc79a", "#e39cc3",
                "#f2b632", "#9ad7f7", "#e8eaed", "#9aa2ab"],
    },
  };
  const markers = ["circle", "rect", "triangle", "rectRot",
                   "triangleDown", "crossRot", "star", "cross"];
  const dashes = [[], [7, 3], [2, 2], [9, 3, 2, 3],
                  [4, 4], [12, 4], [2, 4], [6, 2, 2, 2, 2, 2]];
  const strokes = new Set(["crossRot", "star", "cross"]);
  const font = "system-ui, -apple-system, 'Segoe UI', Roboto, Ubuntu, " +
    "Cantarell, 'Noto Sans', sans-serif";

  const drawn = new Set();
  const darkness = window.matchMedia("(prefers-color-scheme: dark)");
  let isPrinting = false;

  function theme() {
    return darkness.matches && !isPrinting ? themes.dark : themes.light;
  }

  function nth(list, i) {
    return list[((i % list.length) + list.length) % list.length];
  }

  /* As tables have it: four digits that count, no exponent in between. */
  function figure(value, digits = 4) {
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e15 || size < 1e-6) return value.toExponential(digits - 1);
    return value.toLocaleString("en-US", { maximumSignificantDigits: digits });
  }

  function titleOf(axis) {
    return axis.unit ? `${axis.label} (${axis.unit})` : axis.label;
  }

  /* In lines of a width that leaves room for the dots. */
  function broken(name, longest) {
    const lines = [""];
    for (const word of name.split(" ")) {
      const line = lines[lines.length - 1];
      if (line && line.length + 1 + word.length > longest) lines.push(word);
      else lines[lines.length - 1] = line ? `${line} ${word}` : word;
    }
    const shown = lines.slice(0, 3).map((line) => line.length > longest
      ? line.slice(0, longest - 1) + "\u2026" : line);
    if (lines.length > 3) shown[2] = shown[2].slice(0, longest - 1) + "\u2026";
    return shown.length === 1 ? shown[0] : shown;
  }

  /* Where a category or a number stands, in words. */
  function placeOf(axis, value) {
    if (axis.categories) return axis.categories[Math.round(value)] ?? "";
    return `${axis.label} ${figure(value)}${axis.unit ? " " + axis.unit : ""}`;
  }

  function isShown(axis, value) {
    return value !== null && value !== undefined && (!axis.log || value > 0);
  }

  /* A series without a name goes on with the one before it. */
  function nameOf(chart, series) {
    let i = chart.series.indexOf(series);
    while (i > 0 && !chart.series[i].name) i--;
    return chart.series[i].name;
  }

  function yOf(chart, series) {
    return series.second_y && chart.second_y ? chart.second_y : chart.y;
  }

  /* Intervals of one category stand below each other, not on each other. */
  function asideOf(chart, series, dx) {
    const isShared = chart.sideways && series.kind === "span" &&
      chart.series.some((other) => other !== series && other.kind === "span" &&
        other.dots.some(([place]) => place === dx));
    const n = (chart.stacks ?? [0]).length;
    return isShared ? (series.stack - (n - 1) / 2) * 0.7 / n : 0;
  }

  /* A dot without a place breaks its line. */
  function dotsOf(chart, series) {
    const y = yOf(chart, series);
    return series.dots
      .filter(([dx]) => dx === null || isShown(chart.x, dx))
      .map(([dx, dy, low, high, label]) => {
        const value = dx !== null && isShown(y, dy) ? dy : null;
        return { x: chart.sideways ? value : dx,
                 y: !chart.sideways ? value
                   : dx === null ? null : dx + asideOf(chart, series, dx),
                 place: dx, value, low: low ?? null, high: high ?? null,
                 label: label ?? "" };
      });
  }

  /* What a series looks like in a theme, in the chart and in the legend. */
  function looks(series, t) {
    const isLine = series.kind === "line" || series.kind === "steps";
    return {
      colour: nth(t.palette, series.colour) + (series.faint ? "59" : ""),
      marker: nth(markers, series.shape),
      dash: series.emphasis ? [8, 5] : isLine ? nth(dashes, series.shape) : [],
      width: series.emphasis ? 2.5 : series.faint ? 1 : 2,
      isLine,
      isBar: series.kind === "stack",
    };
  }

  function datasetOf(chart, series, hidden, t) {
    const look = looks(series, t);
    const dots = dotsOf(chart, series);
    const set = {
      label: nameOf(chart, series),
      pile: chart.stacks ? chart.stacks[series.stack] ?? "" : "",
      isFaint: series.faint,
      hasLabels: series.labels,
      axis: yOf(chart, series),
      data: dots,
      hidden: hidden.has(nameOf(chart, series)),
      backgroundColor: look.colour,
      borderColor: look.colour,
      yAxisID: series.second_y && !chart.sideways ? "y2" : "y",
      clip: 8, /* dots at the edge are whole */
      order: series.faint ? 3 : series.emphasis ? 0 : 1,
    };
    if (look.isBar)
      return { ...set, type: "bar", stack: String(series.stack),
               borderWidth: 0,
               categoryPercentage: 0.8, barPercentage: 0.92,
               maxBarThickness: 64, whisker: t.ink, order: 2 };
    const isDense = look.isLine && dots.length > 30;
    const isBare = isDense || series.faint || (series.emphasis && look.isLine);
    const radius = isBare ? 0 : look.isLine ? 3 : 5;
    const isStroke = strokes.has(look.marker);
    return { ...set, type: "line", showLine: look.isLine,
             stepped: series.kind === "steps", borderWidth: look.width,
             borderDash: look.dash,
             pointStyle: look.marker === "triangleDown" ? "triangle"
                                                        : look.marker,
             pointRotation: look.marker === "triangleDown" ? 180 : 0,
             pointRadius: radius, pointHoverRadius: radius ? radius + 2 : 4,
             pointHitRadius: 8, pointBorderWidth: isStroke ? 2 : 1,
             pointBorderColor: isStroke ? look.colour : t.surface,
             whisker: look.colour };
  }

  /* Low and high of what stands on an axis: Chart.js knows of dots alone. */
  function reachOf(chart, axis) {
    let least = Infinity, most = -Infinity;
    for (const series of chart.series) {
      if (yOf(chart, series) !== axis) continue;
      for (const [, , low, high] of series.dots)
        for (const end of [low, high]) {
          if (!isShown(axis, end)) continue;
          least = Math.min(least, end);
          most = Math.max(most, end);
        }
    }
    return least <= most ? { suggestedMin: least, suggestedMax: most } : {};
  }

  /* 1, 10, 100 ..., and 2 and 5 between them where there is room. */
  function thinOut(scale) {
    const decades = Math.log10(scale.max / scale.min);
    scale.ticks = scale.ticks.filter(({ value }) => {
      const head = Math.round(value / 10 ** Math.floor(
        Math.log10(value) + 1e-9));
      return head === 1 || (decades <= 2.5 && (head === 2 || head === 5));
    });
  }

  function scaleOf(axis, position, t) {
    const names = axis.categories;
    const scale = {
      type: axis.log && !names ? "logarithmic" : "linear",
      position,
      offset: false,
      title: { display: Boolean(axis.label), text: titleOf(axis),
               color: t.ink, font: { size: 12 } },
      grid: { color: t.grid, borderColor: t.muted, offset: false,
              drawOnChartArea: !names },
      ticks: { color: t.muted, maxRotation: 60, autoSkipPadding: 12,
               callback: (value) => figure(value) },
    };
    if (names)
      return { ...scale, min: -0.5, max: names.length - 0.5,
               reverse: position === "left",
               afterBuildTicks: (s) => {
                 s.ticks = names.map((_, value) => ({ value }));
               },
               ticks: { ...scale.ticks, autoSkip: names.length > 24,
                        callback: function (value) {
                          const room = this.chart.width < 480 ? 16 : 28;
                          return broken(names[value] ?? "", room);
                        } } };
    if (axis.log) return { ...scale, afterBuildTicks: thinOut };
    scale.beginAtZero = axis.from_zero;
    return scale;
  }

  function scalesOf(chart, t) {
    const across = chart.sideways ? chart.y : chart.x;
    const up = chart.sideways ? chart.x : chart.y;
    const scales = { x: scaleOf(across, "bottom", t),
                     y: scaleOf(up, "left", t) };
    const values = chart.sideways ? scales.x : scales.y;
    Object.assign(values, reachOf(chart, chart.y));
    /* Names of piles stand behind their bars. */
    if (chart.series.some((s) => s.kind === "stack") &&
        values.type === "linear")
      values.grace = chart.sideways ? "22%" : "12%";
    if (chart.second_y && !chart.sideways) {
      scales.y2 = scaleOf(chart.second_y, "right", t);
      Object.assign(scales.y2, reachOf(chart, chart.second_y));
      scales.y2.grid.drawOnChartArea = false;
    }
    return scales;
  }

  function tooltipOf(chart, t) {
    return {
      backgroundColor: t.ink, titleColor: t.surface, bodyColor: t.surface,
      padding: 10, boxPadding: 4, cornerRadius: 4, displayColors: false,
      callbacks: {
        title: (items) => items.length
          ? items[0].raw.label || items[0].dataset.label : "",
        label: ({ raw, dataset }) => {
          const lines = [dataset.pile];
          if (raw.label && dataset.label !== raw.label)
            lines.push(dataset.label);
          lines.push(placeOf(chart.x, raw.place),
                     placeOf(dataset.axis, raw.value));
          if (raw.low !== null && raw.high !== null)
            lines.push(`${figure(raw.low, 3)} to ${figure(raw.high, 3)} ` +
                       (dataset.axis.unit ?? ""));
          return lines.filter((line) => line !== "");
        },
      },
    };
  }

  /* Each visible element of the chart with what it stands for. */
  function forEachElement(picture, visit) {
    picture.data.datasets.forEach((set, s) => {
      if (!picture.isDatasetVisible(s)) return;
      const meta = picture.getDatasetMeta(s);
      meta.data.forEach((element, i) => {
        if (set.data[i] && set.data[i].value !== null)
          visit(element, set.data[i], set, meta);
      });
    });
  }

  /* Low to high through each dot, with a cap at either end. */
  const whiskers = {
    id: "fedcarbonWhiskers",
    afterDatasetsDraw(picture) {
      const lies = picture.options.indexAxis === "y";
      const { ctx, chartArea: area } = picture;
      ctx.save();
      ctx.beginPath();
      ctx.rect(area.left, area.top, area.width, area.height);
      ctx.clip();
      ctx.lineWidth = 2;
      forEachElement(picture, (element, dot, set, meta) => {
        if (dot.low === null || dot.high === null) return;
        const scale = lies ? meta.xScale : meta.yScale;
        const a = scale.getPixelForValue(dot.low);
        const b = scale.getPixelForValue(dot.high);
        const at = lies ? element.y : element.x;
        const line = (p, q, r, u) => {
          ctx.moveTo(...(lies ? [p, q] : [q, p]));
          ctx.lineTo(...(lies ? [r, u] : [u, r]));
        };
        ctx.strokeStyle = set.whisker;
        ctx.beginPath();
        line(a, at, b, at);
        line(a, at - 5, a, at + 5);
        line(b, at - 5, b, at + 5);
        ctx.stroke();
      });
      ctx.restore();
    },
  };

  /* Dark or light text, whichever is read better upon "#rrggbb". */
  function inkUpon(fill) {
    const [r, g, b] = [1, 3, 5].map(
      (at) => (parseInt(fill.slice(at, at + 2), 16) / 255) ** 2.2);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.2
      ? themes.light.ink : themes.light.surface;
  }

  function overlaps(a, b) {
    return a.x < b.x + b.w && b.x < a.x + a.w &&
      a.y < b.y + b.h && b.y < a.y + a.h;
  }

  /* Labels beside their dots, where they stand on nothing else. */
  const labels = {
    id: "fedcarbonLabels",
    afterDatasetsDraw(picture) {
      const { ctx, chartArea: area } = picture;
      const taken = [];
      ctx.save();
      ctx.font = `11px ${font}`;
      ctx.fillStyle = theme().ink;
      ctx.textBaseline = "middle";
      forEachElement(picture, (element, dot, set) => {
        if (set.type !== "bar" && !set.isFaint)
          taken.push({ x: element.x - 5, y: element.y - 5, w: 10, h: 10 });
      });
      forEachElement(picture, (element, dot, set) => {
        if (set.type === "bar" || !set.hasLabels || !dot.label) return;
        const w = ctx.measureText(dot.label).width, h = 14;
        const { x, y } = element;
        const spot = [[x + 8, y - h / 2], [x - 8 - w, y - h / 2],
                      [x - w / 2, y - 8 - h], [x - w / 2, y + 8]]
          .map(([left, top]) => ({ x: left, y: top, w, h }))
          .find((one) => one.x >= area.left && one.x + w <= area.right &&
            one.y >= area.top && one.y + h <= area.bottom &&
            !taken.some((other) => overlaps(one, other)));
        if (!spot) return;
        taken.push(spot);
        ctx.fillText(dot.label, spot.x, spot.y + h / 2);
      });
      ctx.restore();
    },
  };

  /* The name of a pile at its end, where there are several, and its label. */
  const piles = {
    id: "fedcarbonPiles",
    afterDatasetsDraw(picture) {
      const lies = picture.options.indexAxis === "y";
      const { ctx, chartArea: area } = picture;
      const ends = new Map();
      forEachElement(picture, (element, dot, set) => {
        const label = set.hasLabels ? dot.label : "";
        if (set.type !== "bar" || !(set.pile || label)) return;
        const key = `${set.pile}\n${dot.place}`;
        const end = ends.get(key);
        const reach = lies ? element.x : -element.y;
        if (end) end.label ||= label;
        if (!end || reach > end.reach)
          ends.set(key, { reach, pile: set.pile, fill: set.backgroundColor,
                          label: end?.label || label,
                          x: element.x, y: element.y,
                          room: lies ? element.height : element.width });
      });
      ctx.save();
      ctx.font = `11px ${font}`;
      ctx.fillStyle = theme().muted;
      ctx.textBaseline = "middle";
      for (const { pile, label, fill, x, y, room } of ends.values()) {
        const name = pile && label ? `${pile} ${label}` : pile || label;
        const width = ctx.measureText(name).width;
        if (lies) {
          const isOut = x + 6 + width <= area.right;
          ctx.textAlign = isOut ? "left" : "right";
          ctx.fillStyle = isOut ? theme().muted : inkUpon(fill);
          if (room >= 10) ctx.fillText(name, isOut ? x + 6 : x - 6, y);
        } else if (width <= room * 1.15) {
          ctx.textAlign = "center";
          ctx.fillText(name, x, y - 9);
        } else if (room >= 10) {
          ctx.save();
          ctx.translate(x, y - 6);
          ctx.rotate(-Math.PI / 2);
          ctx.textAlign = "left";
          if (y - 6 - width >= area.top) ctx.fillText(name, 0, 0);
          ctx.restore();
        }
      }
      ctx.restore();
    },
  };

  function optionsOf(chart, t) {
    return {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      indexAxis: chart.sideways ? "y" : "x",
      interaction: { mode: "nearest", intersect: false, axis: "xy" },
      font: { family: font, size: 12 },
      scales: scalesOf(chart, t),
      plugins: { legend: { display: false }, tooltip: tooltipOf(chart, t) },
    };
  }

  const svgSpace = "http://www.w3.org/2000/svg";

  function svg(name, attributes) {
    const node = document.createElementNS(svgSpace, name);
    for (const [key, value] of Object.entries(attributes))
      node.setAttribute(key, value);
    return node;
  }

  const markerPaths = {
    circle: "M14 2a4 4 0 1 1 0 8a4 4 0 1 1 0-8z",
    rect: "M10 2h8v8h-8z",
    triangle: "M14 1.5l4.6 8.2h-9.2z",
    rectRot: "M14 1l5 5l-5 5l-5-5z",
    triangleDown: "M14 10.5l4.6-8.2h-9.2z",
    crossRot: "M10.5 2.5l7 7M17.5 2.5l-7 7",
    star: "M10.5 2.5l7 7M17.5 2.5l-7 7M14 1v10M9 6h10",
    cross: "M14 1v10M9 6h10",
  };

  function swatch(series, t) {
    const look = looks(series, t);
    const node = svg("svg", { width: 28, height: 12, viewBox: "0 0 28 12",
                              "aria-hidden": "true", focusable: "false" });
    if (look.isBar) {
      node.append(svg("rect", { x: 8, y: 0, width: 12, height: 12,
                                fill: look.colour }));
      return node;
    }
    if (look.isLine)
      node.append(svg("path", { d: "M0 6H28", stroke: look.colour,
                                "stroke-width": look.width, fill: "none",
                                "stroke-dasharray": look.dash.join(" ") }));
    if (!(series.emphasis && look.isLine))
      node.append(svg("path", {
        d: markerPaths[look.marker], stroke: look.colour,
        "stroke-width": strokes.has(look.marker) ? 2 : 0,
        fill: strokes.has(look.marker) ? "none" : look.colour }));
    return node;
  }

  function fedcarbonChart(canvas, first) {
    const box = canvas.parentElement;
    const hidden = new Set();
    let chart = first, legend = null, legendOf = "";

    function isHiding(name) {
      return hidden.has(name);
    }

    function toggle(name, button) {
      if (isHiding(name)) hidden.delete(name);
      else hidden.add(name);
      button.setAttribute("aria-pressed", String(!isHiding(name)));
      redraw();
    }

    /* One series needs none: the axis says what it is. */
    function makeLegend() {
      const names = JSON.stringify([isPrinting, darkness.matches,
        chart.series.map((s) => [s.name, s.kind, s.colour, s.shape, s.emphasis,
                                 s.faint])]);
      if (names === legendOf) return;
      legendOf = names;
      if (legend) legend.remove();
      legend = null;
      const shown = chart.series.filter(
        (series) => series.name && !series.faint);
      if (shown.length < 2) return;
      legend = document.createElement("ul");
      legend.className = "legend";
      legend.setAttribute("aria-label", "Series: show or hide");
      const seen = new Set();
      for (const series of shown) {
        if (seen.has(series.name)) continue;
        seen.add(series.name);
        const item = document.createElement("li");
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("aria-pressed", String(!isHiding(series.name)));
        button.append(swatch(series, theme()), series.name);
        button.addEventListener("click", () => toggle(series.name, button));
        item.append(button);
        legend.append(item);
      }
      box.after(legend);
    }

    function data() {
      return { datasets: chart.series.map(
        (series) => datasetOf(chart, series, hidden, theme())) };
    }

    /* A row of categories needs room to be read. */
    function setHeight() {
      if (chart.sideways && chart.x.categories)
        box.style.height = `${80 + chart.x.categories.length *
          Math.max(44, 24 * (chart.stacks ?? [1]).length)}px`;
    }

    setHeight();
    const picture = new Chart(canvas, {
      type: chart.series.some((s) => s.kind === "stack") ? "bar" : "line",
      data: data(),
      options: optionsOf(chart, theme()),
      plugins: [whiskers, labels, piles],
    });
    makeLegend();
    if (!canvas.hasAttribute("role")) canvas.setAttribute("role", "img");
    if (!canvas.hasAttribute("aria-label"))
      canvas.setAttribute("aria-label", chart.title);

    function redraw() {
      picture.data = data();
      picture.options = optionsOf(chart, theme());
      picture.update("none");
      makeLegend();
    }

    const handle = {
      update(next) {
        chart = next;
        setHeight();
        redraw();
      },
      destroy() {
        drawn.delete(entry);
        if (legend) legend.remove();
        picture.destroy();
      },
    };
    const entry = {
      redraw,
      /* Paper is about this wide; it cannot be asked before it is there. */
      print() {
        redraw();
        picture.resize(660, chart.sideways ? box.clientHeight : 250);
      },
      screen() {
        picture.resize();
        redraw();
      },
    };
    drawn.add(entry);
    return handle;
  }

  darkness.addEventListener("change", () => {
    for (const one of drawn) one.redraw();
  });
  window.addEventListener("beforeprint", () => {
    isPrinting = true;
    for (const one of drawn) one.print();
  });
  window.addEventListener("afterprint", () => {
    isPrinting = false;
    for (const one of drawn) one.screen();
  });

  window.fedcarbonChart = fedcarbonChart;
})();
