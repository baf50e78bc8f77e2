// Without this script the page is complete: maps are pictures, and the gallery is one list.
"use strict";
document.documentElement.classList.add("has-script");

for (const part of document.querySelectorAll("section[data-set]")) {
  const list = part.querySelector(".gallery");
  if (!list) continue;
  const maps = [...part.querySelectorAll("svg.map")];
  const tiles = [...part.querySelectorAll(".tile[data-seen]")];
  const items = [...list.children];
  const status = part.querySelector(".status");
  const button = part.querySelector("button");
  const all = status.textContent;
  let picked = null;
  let short = items.length > 12;

  const show = () => {
    for (const item of items) item.hidden = picked !== null && item.dataset.cell !== picked;
    for (const tile of tiles) {
      const isPicked = tile.dataset.cell === picked;
      tile.classList.toggle("is-picked", isPicked);
      tile.setAttribute("aria-pressed", isPicked);
    }
    list.classList.toggle("is-short", short && picked === null);
    button.hidden = picked === null && !short;
    button.textContent = picked === null ? `Show all ${items.length}` : "Show every cell";
    if (picked === null) {
      status.textContent = all;
      return;
    }
    const tile = tiles.find((one) => one.dataset.cell === picked);
    const shown = items.filter((item) => !item.hidden).length;
    status.textContent = `Cell in ${tile.dataset.where}: ${shown} of its ${tile.dataset.seen} examples kept in this report.`;
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

  // One tab stop a map; the arrow keys walk from cell to cell.
  for (const map of maps) {
    map.setAttribute("role", "group");
    const own = [...map.querySelectorAll(".tile[data-seen]")];
    own.forEach((tile, index) => {
      tile.setAttribute("role", "button");
      tile.setAttribute("tabindex", index ? "-1" : "0");
      tile.setAttribute("aria-label", tile.querySelector("title").textContent);
      tile.addEventListener("click", () => pick(tile.dataset.cell));
      tile.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          pick(tile.dataset.cell);
        }
        const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
        if (!step) return;
        event.preventDefault();
        const [row, col] = tile.dataset.cell.split("-").map(Number);
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
