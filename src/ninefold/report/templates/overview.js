// The overview is complete without this script: it sorts and filters what is there.
"use strict";
{
  const FACETS = ["model", "condition", "test"];
  const boxes = [...document.querySelectorAll("[data-facet]")];
  const bar = document.querySelector(".filtered");
  const table = document.querySelector("table.overview");

  // Everything on the page that belongs to a model, a condition or a test follows the filter; no choice means all.
  const filter = () => {
    const chosen = FACETS.map((facet) => [
      facet,
      new Set(boxes.filter((box) => box.checked && box.dataset.facet === facet).map((box) => box.value)),
    ]).filter(([, values]) => values.size);
    for (const one of document.querySelectorAll("[data-model], [data-condition], [data-test]")) {
      one.hidden = chosen.some(([facet, values]) => one.dataset[facet] !== undefined && !values.has(one.dataset[facet]));
    }
    for (const group of document.querySelectorAll(".facets")) {
      group.hidden = chosen.length > 0 && !group.querySelector("[data-model]:not([hidden])");
    }
    const rows = [...table.tBodies[0].rows];
    bar.hidden = chosen.length === 0;
    const shown = rows.filter((row) => !row.hidden).length;
    bar.querySelector("[role=status]").textContent =
      `Only ${chosen.map(([, values]) => [...values].join(", ")).join("; ")}: ${shown} of ${rows.length} rows.`;
    mark(rows);
  };

  // A line divides the models where the rows of each are together.
  const mark = (rows) => {
    const names = rows.filter((one) => !one.hidden).map((row) => row.dataset.model);
    const starts = names.filter((name, index) => name !== names[index - 1]).length;
    const together = starts === new Set(names).size;
    let last = null;
    for (const row of rows.filter((one) => !one.hidden)) {
      row.classList.toggle("first", together && row.dataset.model !== last);
      last = row.dataset.model;
    }
  };

  const order = (head, index) => {
    const body = table.tBodies[0];
    const isNumber = head.dataset.sort === "number";
    const steps = isNumber ? ["descending", "ascending", "none"] : ["ascending", "descending", "none"];
    const next = steps[(steps.indexOf(head.getAttribute("aria-sort") || "none") + 1) % 3];
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    if (next !== "none") head.setAttribute("aria-sort", next);
    const key = (row) => {
      const cell = row.cells[index];
      return isNumber ? (cell.dataset.value === undefined ? null : Number(cell.dataset.value)) : cell.textContent;
    };
    const sign = next === "descending" ? -1 : 1;
    const rows = [...initial];
    if (next !== "none") {
      rows.sort((one, other) => {
        const [a, b] = [key(one), key(other)];
        if (a === null || b === null) return (a === null) - (b === null);  // Gaps come last.
        return sign * (isNumber ? a - b : a.localeCompare(b));
      });
    }
    body.append(...rows);
    mark(rows);
  };

  const initial = table ? [...table.tBodies[0].rows] : [];
  if (table) {
    for (const form of document.querySelectorAll(".filters")) form.hidden = false;
    [...table.tHead.rows[0].cells].forEach((head, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      button.addEventListener("click", () => order(head, index));
      head.append(button);
    });
    for (const box of boxes) box.addEventListener("change", filter);
    bar.querySelector("button").addEventListener("click", () => {
      for (const box of boxes) box.checked = false;
      filter();
    });
  }
}
