// The page is complete without this script: maps are images, and the gallery is one list.
"use strict";
document.documentElement.classList.add("has-script");

for (const part of document.querySelectorAll("section[data-set]")) {
  const list = part.querySelector(".gallery");
  if (!list) continue;
  const maps = [...part.querySelectorAll("svg.map")];
  const cells = [...part.querySelectorAll(".cell[data-seen]")];
  const items = [...list.children];
  const status = part.querySelector(".status");
  const button = part.querySelector("button");
  const all = status.textContent;
  let picked = null;
  let short = items.length > 12;

  const show = () => {
    for (const item of items) item.hidden = picked !== null && item.dataset.cell !== picked;
    for (const element of cells) {
      const isPicked = element.dataset.cell === picked;
      element.classList.toggle("is-picked", isPicked);
      element.setAttribute("aria-pressed", isPicked);
    }
    list.classList.toggle("is-short", short && picked === null);
    button.hidden = picked === null && !short;
    button.textContent = picked === null ? `Show all ${items.length}` : "Show all cells";
    if (picked === null) {
      status.textContent = all;
      return;
    }
    const element = cells.find((one) => one.dataset.cell === picked);
    const shown = items.filter((item) => !item.hidden).length;
    status.textContent = `Cell in ${element.dataset.where}: ${shown} of its ${element.dataset.seen} examples are in this report.`;
  };

  const pick = (cell) => {
    picked = picked === cell ? null : cell;
    show();
    if (picked !== null) part.querySelector(".bar").scrollIntoView({ block: "nearest" });
  };

  button.addEventListener("click", () => {
    if (picked === null) short = false;
    picked = null;
    show();
  });
  part.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && picked !== null) pick(picked);
  });

  // One tab stop per map; the arrow keys move from cell to cell.
  for (const map of maps) {
    map.setAttribute("role", "group");
    const own = [...map.querySelectorAll(".cell[data-seen]")];
    own.forEach((element, index) => {
      element.setAttribute("role", "button");
      element.setAttribute("tabindex", index ? "-1" : "0");
      element.setAttribute("aria-label", element.querySelector("title").textContent);
      element.addEventListener("click", () => pick(element.dataset.cell));
      element.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          pick(element.dataset.cell);
        }
        const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
        if (!step) return;
        event.preventDefault();
        const [row, col] = element.dataset.cell.split("-").map(Number);
        const size = Number(map.dataset.size);
        for (let k = 1; k < size; k += 1) {
          const next = own.find((one) => one.dataset.cell === `${row + k * step[0]}-${col + k * step[1]}`);
          if (!next) continue;
          for (const other of own) other.setAttribute("tabindex", "-1");
          next.setAttribute("tabindex", "0");
          next.focus();
          break;
        }
      });
    });
  }
  show();
}
