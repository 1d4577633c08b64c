/* Follows /state.json and draws what it says. Asking again once a second is
 * all there is to it: what has not changed is not sent again, and a connection
 * that was lost is back with the next answer. */
(function () {
  "use strict";

  const AGAIN_MS = 1000, ENDED_MS = 3000;
  const charts = [["accuracy", "Accuracy so far"],
                  ["accuracy_carbon", "Accuracy for its carbon"],
                  ["carbon", "Carbon so far"],
                  ["clients", "Clients at work"],
                  ["power", "Power"], ["intensity", "Grid intensity"]];
  const drawn = new Map(); /* name: {figure, canvas, handle, tag} */
  let state = null, tag = "", shown = "", lostSince = null;

  const byId = (id) => document.getElementById(id);

  function node(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes ?? {}))
      if (value !== null && value !== undefined && value !== false)
        made.setAttribute(key, value === true ? "" : value);
    made.append(...children);
    return made;
  }

  /* Screen readers speak of what changes: nothing is written twice. */
  function say(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  /* Figures */

  function figure(value, digits = 4) {
    if (value === null || value === undefined) return "\u2013";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e15 || size < 1e-6) return value.toExponential(digits - 1);
    return value.toLocaleString("en-US", { maximumSignificantDigits: digits });
  }

  function inUnit(value, units) {
    if (value === null) return "\u2013";
    const [one, name] = units.find(([least]) => Math.abs(value) >= least) ??
      units[units.length - 1];
    return `${figure(value / one)} ${name}`;
  }

  const energy = (value) => inUnit(value, [[3.6e9, "MWh"], [3.6e6, "kWh"],
    [3.6e3, "Wh"], [3.6, "mWh"]]);
  const carbon = (value) => inUnit(value, [[1e6, "tCO2e"], [1e3, "kgCO2e"],
    [1, "gCO2e"], [1e-3, "mgCO2e"]]);

  function time(value) {
    if (value === null) return "\u2013";
    if (value < 120) return `${figure(value)} s`;
    if (value < 7200) return `${figure(value / 60)} min`;
    if (value < 172800) return `${figure(value / 3600)} h`;
    return `${figure(value / 86400)} d`;
  }

  function steps(arm) {
    const what = arm.per_client ? "clients"
      : arm.name === "centralized" ? "epochs" : "rounds";
    const all = arm.steps === null ? "" : ` of ${arm.steps}`;
    return `${arm.step}${all} ${what}`;
  }

  /* Where we are: #view=0&run=2 */

  function place() {
    const words = new URLSearchParams(location.hash.slice(1));
    const view = Number(words.get("view") ?? 0);
    const run = words.get("run");
    return { view: state.views[view] ? view : 0,
             run: run === null ? null : Number(run) };
  }

  /* Tables */

  const states = { running: "running", finished: "finished", failed: "failed",
                   "writer died": "died" };

  function stateNode(text) {
    return node("span", { class: `state ${states[text] ?? ""}` }, text);
  }

  function headOf(names) {
    return node("thead", {}, node("tr", {}, ...names.map(([name, isNumber]) =>
      node("th", { scope: "col", class: isNumber && "n" }, name))));
  }

  function armRow(arm) {
    const done = node("td", {}, steps(arm));
    if (arm.finished && arm.step !== arm.steps)
      done.append(node("span", { class: "who" }, " done"));
    if (arm.steps)
      done.append(node("progress", {
        max: arm.steps, value: arm.finished ? arm.steps : arm.step,
        "aria-label": `${arm.name}: part that is done` }));
    const n = (text) => node("td", { class: "n" }, text);
    return node("tr", {},
      node("th", { scope: "row" },
           node("span", { class: `arm ${arm.name}` }, arm.name),
           arm.per_client ? node("span", { class: "who" }, " per client") : ""),
      done, n(figure(arm.accuracy)), n(carbon(arm.gco2e)),
      n(arm.x_so_far === null ? "\u2013" : `${figure(arm.x_so_far, 3)}\u00d7`),
      n(arm.x_equal === null ? "\u2013"
        : `${figure(arm.x_equal, 3)}\u00d7 at ${figure(arm.equal_accuracy, 3)}`),
      n(energy(arm.energy_j)), n(time(arm.sim_time_s)));
  }

  function showArms(run) {
    byId("arms").replaceChildren(
      headOf([["arm"], ["done"], ["test accuracy", true],
              ["carbon so far", true], ["of centralized so far", true],
              ["at equal accuracy", true], ["energy", true],
              ["simulated time", true]]),
      node("tbody", {}, ...run.arms.map(armRow)));
  }

  function pointRow(view, v, point, number, chosen) {
    const run = view.runs[point.run];
    const central = run.arms.find((arm) => arm.name === "centralized");
    const arm = run.arms.find((one) => one.name === "federated") ?? run.arms[0];
    const n = (text) => node("td", { class: "n" }, text);
    return node("tr", { "aria-current": chosen === point.run && "true" },
      node("th", { scope: "row" },
           node("a", { href: `#view=${v}&run=${point.run}`,
                       "aria-label": `Point ${number + 1}` },
                String(number + 1))),
      ...point.values.map((value) => node("td", {}, value)),
      node("td", {}, stateNode(run.state)),
      n(arm ? steps(arm) : "\u2013"),
      n(arm ? figure(arm.accuracy) : "\u2013"),
      n(arm ? carbon(arm.gco2e) : "\u2013"),
      n(central ? carbon(central.gco2e) : "\u2013"),
      n(arm && central && arm.x_so_far !== null
        ? `${figure(arm.x_so_far, 3)}\u00d7` : "\u2013"));
  }

  function showSweep(view, v, chosen) {
    byId("sweep").hidden = !view.sweep;
    if (!view.sweep) return;
    say(byId("counts"), Object.entries(view.counts)
      .filter(([, n]) => n > 0).map(([name, n]) => `${n} ${name}`).join(", ") +
      `; ${view.runs.length} runs`);
    const focused = document.activeElement?.getAttribute("href");
    byId("points").replaceChildren(
      headOf([["point"], ...view.keys.map((key) => [key]), ["state"],
              ["done", true], ["accuracy", true], ["federated", true],
              ["centralized", true], ["ratio so far", true]]),
      node("tbody", {}, ...view.points.map((point, i) =>
        pointRow(view, v, point, i, chosen))));
    if (focused?.startsWith("#view="))
      byId("points").querySelector(`a[href="${focused}"]`)?.focus();
  }

  /* A run */

  function showRound(run) {
    const round = run.round;
    byId("round").hidden = !round;
    if (!round) return;
    const doing = Object.entries(round.mean_clients)
      .map(([what, n]) => `${figure(n, 3)} ${what}`).join(", ");
    say(byId("round"), `Round ${round.round}: ${round.clients} clients, ` +
      `${time(round.end_s - round.start_s)} on the simulated clock; ` +
      `on average ${doing}.`);
  }

  function showEqual(run) {
    const arm = run.arms.find((one) => one.x_equal !== null);
    byId("equal").hidden = !arm;
    if (!arm) return;
    say(byId("equal"), `At an accuracy of ${figure(arm.equal_accuracy, 3)}, ` +
      `which both have had, the ${arm.name} arm had emitted ` +
      `${figure(arm.x_equal, 3)} times what the centralized one had.`);
  }

  function showProblem(run) {
    const texts = {
      "writer died": "The process that wrote this run has died. " +
        "fedcarbon run --resume goes on from its last commit.",
      stopped: "The run was stopped before its end. " +
        "fedcarbon run --resume goes on with it.",
    };
    const text = run.problem ?? texts[run.state] ?? "";
    byId("problem").hidden = !text;
    say(byId("problem"), text);
  }

  function showRun(view, run, isLinked) {
    byId("run").hidden = false;
    say(byId("run-title"), isLinked ? `Run ${run.label}` : "Arms");
    say(byId("about"), run.about);
    showProblem(run);
    showArms(run);
    showEqual(run);
    showRound(run);
  }

  /* Charts */

  function figureFor(name, title) {
    const canvas = node("canvas", { role: "img", "aria-label": title });
    const box = node("div", { class: "canvas" }, canvas);
    const caption = node("figcaption");
    const made = node("figure", { id: `chart-${name}` },
                      node("h3", {}, title), box, caption);
    byId("charts").append(made);
    return { canvas, box, caption, handle: null, nothing: null, tag: "" };
  }

  function draw(entry, chart) {
    const isEmpty = chart.series.length === 0;
    say(entry.caption, chart.caption);
    if (isEmpty && entry.handle) {
      entry.handle.destroy();
      entry.handle = null;
    }
    entry.canvas.hidden = isEmpty;
    if (isEmpty && !entry.nothing) {
      entry.nothing = node("p", { class: "nothing" }, "Nothing yet.");
      entry.box.append(entry.nothing);
    }
    if (isEmpty) return;
    entry.nothing?.remove();
    entry.nothing = null;
    entry.canvas.setAttribute("aria-label", `${chart.title}. ${chart.caption}`);
    if (entry.handle) entry.handle.update(chart);
    else entry.handle = window.fedcarbonChart(entry.canvas, chart);
  }

  async function fetchCharts(view, run) {
    for (const [name, title] of charts) {
      if (!drawn.has(name)) drawn.set(name, figureFor(name, title));
      const entry = drawn.get(name);
      const answer = await fetch(
        `/charts/${name}.json?view=${view}&run=${run}`);
      if (!answer.ok) continue;
      const now = `${view} ${run} ${answer.headers.get("ETag")}`;
      if (now === entry.tag) continue;
      entry.tag = now;
      draw(entry, await answer.json());
    }
  }

  /* Everything */

  function sentence(view) {
    if (!view.sweep) {
      const run = view.runs[0];
      if (run.state === "running" && run.arms.length === 0)
        return "Running: it is starting.";
      if (run.reading) return `Reading the ledger: ${run.entries} rows so far.`;
    }
    const words = {
      running: "Running.", finished: "Finished: these are its last figures.",
      stopped: "Stopped before its end.", failed: "Failed.",
      "writer died": "Not running: its writer has died.",
      "not begun": "Not begun.",
    };
    return words[view.state] ?? view.state;
  }

  function showViews(current) {
    const list = byId("views");
    list.hidden = state.views.length < 2;
    if (list.hidden) return;
    list.replaceChildren(node("ol", {}, ...state.views.map((view, v) =>
      node("li", {}, node("a", { href: `#view=${v}`,
                                 "aria-current": v === current && "page" },
                          `${view.folder} (${view.state})`)))));
  }

  async function show() {
    const { view: v, run: asked } = place();
    const view = state.views[v];
    const chosen = view.sweep ? asked : 0;
    const run = chosen === null ? null : view.runs[chosen];
    const name = (!view.sweep && view.runs[0].name) ||
      view.folder.split("/").filter(Boolean).pop() || view.folder;
    say(byId("folder"), view.folder);
    say(byId("title"), name);
    say(byId("state"), sentence(view));
    document.title = `${name}: ${view.state}`;
    showViews(v);
    showSweep(view, v, chosen);
    if (run) showRun(view, run, view.sweep);
    else byId("run").hidden = true;
    byId("metrics").href = `/metrics?view=${v}&run=${chosen ?? 0}`;
    shown = `${v} ${chosen}`;
    if (run) await fetchCharts(v, chosen);
  }

  function now() {
    return new Date().toLocaleTimeString("en-GB");
  }

  function lose() {
    if (lostSince) return;
    lostSince = now();
    document.body.classList.add("lost");
    say(byId("lost"), `The connection to fedcarbon serve is lost since ` +
      `${lostSince}; these figures are the last that came. Trying again.`);
    byId("lost").hidden = false;
  }

  function regain() {
    if (!lostSince) return;
    lostSince = null;
    document.body.classList.remove("lost");
    byId("lost").hidden = true;
  }

  async function look() {
    const answer = await fetch("/state.json");
    if (!answer.ok) throw new Error(`${answer.status}`);
    const found = answer.headers.get("ETag");
    if (found !== tag) {
      state = await answer.json();
      tag = found;
      await show();
      say(byId("when"), `Last change seen at ${now()}.`);
    } else {
      await answer.arrayBuffer();
    }
  }

  async function follow() {
    try {
      await look();
      regain();
    } catch (problem) {
      lose();
      tag = "";
    }
    const isLive = !state ||
      state.views.some((view) => view.state === "running");
    setTimeout(follow, isLive || lostSince ? AGAIN_MS : ENDED_MS);
  }

  window.addEventListener("hashchange", () => {
    if (state) show().catch(lose);
  });
  follow();
})();
