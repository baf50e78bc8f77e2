// The page is complete without this script: a link opens the examples of a cell, and its list is whole.
"use strict";
document.documentElement.classList.add("has-script");

const PAGE = 24;
const cells = [...document.querySelectorAll("a.cell")];
let opener = null;

// Divide the list of a panel into pages, once, and show one of them.
const turn = (panel, page) => {
  const items = [...panel.querySelectorAll(".gallery > li")];
  const pages = Math.ceil(items.length / PAGE);
  const now = Math.min(Math.max(page, 0), Math.max(pages - 1, 0));
  panel.dataset.page = now;
  items.forEach((item, index) => { item.hidden = Math.floor(index / PAGE) !== now; });
  if (pages < 2) return;
  if (!panel.querySelector(".pages")) {
    const bar = document.createElement("div");
    bar.className = "pages";
    const add = (name, text) => bar.appendChild(Object.assign(document.createElement(name), { textContent: text }));
    const [previous, status, next] = [add("button", "Previous"), add("span", ""), add("button", "Next")];
    status.setAttribute("role", "status");
    previous.addEventListener("click", () => turn(panel, Number(panel.dataset.page) - 1));
    next.addEventListener("click", () => turn(panel, Number(panel.dataset.page) + 1));
    panel.querySelector(".head").append(bar);
  }
  const [previous, status, next] = panel.querySelector(".pages").children;
  previous.disabled = now === 0;
  next.disabled = now === pages - 1;
  status.textContent = `${now * PAGE + 1} to ${Math.min((now + 1) * PAGE, items.length)} of ${items.length}`;
  panel.scrollTop = 0;
};

const opened = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  return target && target.matches(".panel") ? target : null;
};

// The address names the open panel; the style sheet shows it.
const show = () => {
  const panel = opened();
  for (const cell of cells) cell.classList.toggle("is-picked", panel !== null && cell.hash === location.hash);
  if (panel === null) {
    if (opener) opener.focus({ preventScroll: true });
    opener = null;
    return;
  }
  if (opener) {
    // The panel takes the side of the window that the clicked cell is not on.
    const box = opener.getBoundingClientRect();
    panel.classList.toggle("is-left", box.left + box.width / 2 > innerWidth / 2);
    panel.classList.toggle("is-top", box.top + box.height / 2 > innerHeight / 2);
  }
  turn(panel, 0);
  panel.focus({ preventScroll: true });
};

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#examples-']");
  if (link) opener = link;
});
addEventListener("hashchange", show);
document.addEventListener("keydown", (event) => {
  const panel = opened();
  if (panel === null) return;
  if (event.key === "Escape") location.hash = "closed";
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step && panel.contains(event.target)) turn(panel, Number(panel.dataset.page) + step);
});

// One tab stop per map; the arrow keys move from cell to cell.
for (const map of document.querySelectorAll("svg.map")) {
  const own = [...map.querySelectorAll("a.cell")];
  const size = Number(map.dataset.size);
  own.forEach((cell, index) => {
    cell.setAttribute("tabindex", index ? "-1" : "0");
    cell.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      const [row, col] = cell.dataset.cell.split("-").map(Number);
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
