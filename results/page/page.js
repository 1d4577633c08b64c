/* The report's own: tables that are sorted by their heads, and its charts. */
(function () {
  "use strict";

  /* What a cell is sorted by: its full value where it has one. */
  function keyOf(row, column) {
    const cell = row.cells[column];
    const text = (cell.dataset.v ?? cell.textContent).trim();
    const isNothing = text === "" || text === "-";
    const number = Number(text);
    return { isNothing, text, number, isNumber: !isNothing && !isNaN(number) };
  }

  function compare(a, b, sign) {
    if (a.isNothing !== b.isNothing) return a.isNothing ? 1 : -1;
    if (a.isNothing) return 0;
    if (a.isNumber && b.isNumber) return sign * (a.number - b.number);
    if (a.isNumber !== b.isNumber) return a.isNumber ? -1 : 1;
    return sign * a.text.localeCompare(b.text, "en", { numeric: true });
  }

  /* Up, then down; what is not known comes last either way. */
  function sortBy(table, head, status) {
    const isUp = head.getAttribute("aria-sort") !== "ascending";
    const column = head.cellIndex, body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [keyOf(row, column), row]);
    rows.sort((a, b) => compare(a[0], b[0], isUp ? 1 : -1));
    for (const [, row] of rows) row.classList.remove("first");
    body.append(...rows.map(([, row]) => row));
    for (const other of table.tHead.rows[0].cells)
      other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
    status.textContent = "Sorted by " + head.textContent.trim() +
      (isUp ? ", smallest first" : ", largest first");
  }

  function makeSortable(table, status) {
    const hint = document.createElement("span");
    hint.className = "hint";
    hint.textContent = " Column heads sort it.";
    table.caption.append(hint);
    for (const head of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      const way = document.createElement("span");
      button.type = "button";
      way.className = "way";
      way.setAttribute("aria-hidden", "true");
      const unit = head.querySelector(".unit");
      button.append(...head.childNodes);
      if (unit) unit.before(way);
      else button.append(way);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => sortBy(table, head, status));
    }
  }

  const status = document.createElement("p");
  status.className = "spoken";
  status.setAttribute("role", "status");
  document.querySelector("main").append(status);
  for (const table of document.querySelectorAll(".scroll > table"))
    makeSortable(table, status);

  const data = document.getElementById("charts");
  const charts = data ? JSON.parse(data.textContent) : [];
  for (const canvas of document.querySelectorAll("canvas[data-chart]"))
    window.fedcarbonChart(canvas, charts[Number(canvas.dataset.chart)]);

  /* Paper has all of it but runs one by one and the data of charts. */
  let unfolded = [];
  window.addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll(
      "main details:not(.run, .data, [open])")];
    for (const one of unfolded) one.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const one of unfolded) one.open = false;
  });

  /* A link to what is folded opens it. */
  function unfold() {
    const id = decodeURIComponent(window.location.hash.slice(1));
    const target = id ? document.getElementById(id) : null;
    for (let at = target; at; at = at.parentElement)
      if (at.tagName === "DETAILS") at.open = true;
  }
  window.addEventListener("hashchange", unfold);
  unfold();
})();
