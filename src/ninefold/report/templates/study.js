// The maps of the page are complete as thumbnails: this script draws one entry large, with its numbers and seeds.
"use strict";
{
  document.documentElement.classList.add("has-script");
  const dialog = document.getElementById("detail");
  const { maps, labels, accuracy, change } = JSON.parse(document.getElementById("map-numbers").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const STEPS = accuracy.length - 1;
  let opener = null;

  const make = (name, attributes = {}, ...children) => {
    const element = name.startsWith("svg:") ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const whole = (value) => (value === 0 || value === 1 ? String(100 * value) : String(Math.min(99, Math.max(1, Math.round(100 * value)))));
  const signed = (value) => `${value > 0 ? "+" : value < 0 ? "\u2212" : ""}${whole(Math.abs(value))}`;
  // Black or white, whichever has the higher contrast (WCAG 2 relative luminance).
  const ink = (fill) => {
    const linear = [1, 3, 5].map((at) => parseInt(fill.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 ? "#000000" : "#ffffff";
  };

  // The accuracy of each cell: of one seed, or the mean over all (which = -1); null where nothing is asked.
  const rates = (entry, which) => {
    const parts = which < 0 ? entry.right : [entry.right[which]];
    return entry.n.map((n, cell) => (n ? parts.reduce((sum, part) => sum + part[cell], 0) / parts.length / n : null));
  };
  const votesOf = (entry, which) => (entry.votes.length ? entry.votes[which + 1].map((vote) => [vote].flat()) : null);
  const place = (cell, size) => `row ${Math.floor(cell / size) + 1}, column ${(cell % size) + 1}`;

  const square = (cell, size, tip, parts, text, isFaint) => {
    const offset = (index) => 40 * (index + 0.16 * Math.floor((index * 3) / size));
    const [x, y] = [offset(cell % size), offset(Math.floor(cell / size))];
    const group = make("svg:g", { class: "cell" }, make("svg:title", {}, tip));
    group.dataset.tip = tip;
    const wide = 38.5 / Math.max(parts.length, 1);
    (parts.length ? parts : [{ fill: "url(#hatch)" }]).forEach((part, at) => {
      group.append(make("svg:rect", { x: x + at * wide, y, width: wide, height: 38.5, rx: parts.length < 2 ? 3 : 0, fill: part.fill }));
      const [middle, center] = [x + (at + 0.5) * wide, y + 19.25];
      const scale = Math.min(1, 1.7 / parts.length);
      if (part.dot) group.append(make("svg:use", { href: "#dot", transform: `translate(${middle} ${center}) scale(${scale})`, color: part.ink }));
      else if (part.turn !== null && part.turn !== undefined)
        group.append(make("svg:use", { href: "#arrow", transform: `translate(${middle} ${center}) rotate(${part.turn}) scale(${scale})`, color: part.ink }));
      else if (part.text) group.append(make("svg:text", { x: middle, y: center, fill: part.ink }, part.text));
    });
    if (text) group.append(make("svg:text", { x: x + 19.25, y: y + 19.75, fill: ink(parts[0].fill), class: isFaint ? "faint" : "" }, text));
    group.append(make("svg:rect", { class: "ring", x, y, width: 38.5, height: 38.5, rx: 3 }));
    return group;
  };

  const figure = (title, note, squares) => {
    const size = Math.sqrt(squares.length);
    const side = 40 * (size + 0.16 * 2);
    const map = make("svg:svg", { class: "map", role: "img", viewBox: `-3 -3 ${side + 6} ${side + 6}`, width: 420, height: 420, "aria-label": `${title}. ${note}` }, ...squares);
    return make("figure", {}, make("strong", {}, title), map, make("figcaption", {}, note));
  };

  const accuracyMap = (title, entry, which) => {
    const values = rates(entry, which);
    const size = Math.sqrt(values.length);
    const squares = values.map((value, cell) => {
      const tip = `${place(cell, size)}: ${value === null ? "no question" : `${(100 * value).toFixed(1)} % of ${entry.n[cell]} right`}`;
      return square(cell, size, tip, value === null ? [] : [{ fill: accuracy[Math.round(STEPS * value)] }], value === null ? "" : whole(value));
    });
    const known = values.filter((value) => value !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    return figure(title, low === high ? `${whole(high)} % right in every cell.` : `Between ${whole(low)} % and ${whole(high)} % right.`, squares);
  };

  const changeMap = (entry, base, which) => {
    const [before, after] = [rates(base, -1), rates(entry, which)];
    const size = Math.sqrt(after.length);
    const isMean = which < 0 || entry.right.length === 1;
    let [better, worse, beyond] = [0, 0, 0];
    const squares = after.map((value, cell) => {
      if (value === null || before[cell] === null) return square(cell, size, `${place(cell, size)}: no question`, [], "");
      const moved = value - before[cell];
      const sure = isMean && entry.sure[cell] === "1";
      better += moved > 0;
      worse += moved < 0;
      beyond += sure;
      const bounds = !isMean ? "" : sure ? ", beyond chance" : ", within chance";
      const tip = `${place(cell, size)}: from ${(100 * before[cell]).toFixed(1)} % to ${(100 * value).toFixed(1)} %${bounds}`;
      return square(cell, size, tip, [{ fill: change[Math.round(STEPS * moved) + STEPS] }], signed(moved), !sure);
    });
    const shown = isMean ? `${beyond || "none"} beyond chance (in bold).` : "what is beyond chance is shown for all seeds together.";
    return figure("change, in points", `${better} cells better, ${worse} worse; ${shown}`, squares);
  };

  const voteMap = (title, entry, which) => {
    const votes = votesOf(entry, which);
    const size = Math.sqrt(votes.length);
    const squares = votes.map((leading, cell) => {
      const names = leading.map((index) => labels[index].name);
      const said = names.length > 1 ? `a tie of ${names.join(" and ")}` : names.length ? `the most common answer is ${names[0]}` : entry.n[cell] ? "no readable answer" : "no question";
      return square(cell, size, `${place(cell, size)}: ${said}`, leading.map((index) => labels[index]), "");
    });
    const tied = votes.filter((leading) => leading.length > 1).length;
    return figure(title, tied ? `${tied} ${tied === 1 ? "cell" : "cells"} with a tie.` : "No tie.", squares);
  };

  const numbers = (entry, base, which) => {
    const after = rates(entry, which);
    const before = base ? rates(base, -1) : null;
    const size = Math.sqrt(after.length);
    const shown = (value) => (value === null ? "–" : (100 * value).toFixed(1));
    const head = make("tr", {}, make("td"), ...Array.from({ length: size }, (_, col) => make("th", { scope: "col" }, `column ${col + 1}`)));
    const rows = Array.from({ length: size }, (_, row) =>
      make("tr", {}, make("th", { scope: "row" }, `row ${row + 1}`), ...Array.from({ length: size }, (_, col) => {
        const cell = row * size + col;
        return make("td", {}, before ? `${shown(before[cell])} → ${shown(after[cell])}` : shown(after[cell]));
      })));
    const caption = make("caption", { class: "hidden" }, `Percentage of right answers by cell${before ? ", before and after" : ""}`);
    const table = make("table", { class: "numbers" }, caption, make("thead", {}, head), make("tbody", {}, ...rows));
    const lines = after.map((value, cell) => [Math.floor(cell / size) + 1, (cell % size) + 1, entry.n[cell], before ? before[cell] ?? "" : "", value ?? ""].join(","));
    const file = `data:text/csv;charset=utf-8,${encodeURIComponent(["row,column,questions,before,accuracy", ...lines].join("\n"))}`;
    const link = make("a", { href: file, download: "map.csv" }, "Download as CSV");
    return make("details", { class: "numbers" }, make("summary", {}, "All numbers as a table"), make("div", { class: "scroll", tabindex: 0 }, table), link);
  };

  const draw = (body, entry, which) => {
    const base = entry.base ? maps[entry.base] : null;
    const name = which < 0 ? "" : `, seed ${entry.seeds[which]}`;
    const figures = [];
    if (base) figures.push(accuracyMap("before", base, -1));
    figures.push(accuracyMap(base ? `after${name}` : "accuracy", entry, which));
    if (base) figures.push(changeMap(entry, base, which));
    if (entry.votes.length) {
      if (base) figures.push(voteMap("most common answer before", base, -1));
      figures.push(voteMap(`most common answer${base ? ` after${name}` : ""}`, entry, which));
    }
    const key = make("div", { class: "legend answers" });
    key.append(...[...document.querySelectorAll("#maps > .legends .swatch")].map((one) => one.cloneNode(true)));
    const readOut = make("p", { class: "read-out soft" }, "Point at a cell to read its value.");
    const grid = make("div", { class: "maps" }, ...figures);
    grid.addEventListener("pointerover", (event) => {
      const cell = event.target.closest(".cell");
      if (cell) readOut.textContent = cell.dataset.tip;
    });
    const parts = [readOut, grid, key, numbers(entry, base, which)];
    if (entry.command)
      parts.push(make("p", { class: "soft" }, "Every example with its image and the answers, by this command in the study folder:"), make("pre", {}, entry.command));
    body.replaceChildren(...parts);
  };

  // The entries whose rows and columns are shown, in the order of the page.
  const shown = () => [...document.querySelectorAll("table.atlas td[id]")]
    .filter((cell) => !cell.hidden && !cell.parentElement.hidden).map((cell) => cell.id);

  const open = (anchor) => {
    const entry = maps[anchor];
    const title = make("h2", { id: "detail-title", tabindex: -1 }, entry.title.join(" · "));
    const order = shown();
    const at = order.indexOf(anchor);
    const button = (text, label, action, off) => {
      const made = make("button", { type: "button", "aria-label": label }, text);
      made.disabled = off;
      made.addEventListener("click", action);
      return made;
    };
    const buttons = make("div", { class: "detail-buttons" },
      button("←", "Previous", () => { location.hash = order[at - 1]; }, at < 1),
      button("→", "Next", () => { location.hash = order[at + 1]; }, at < 0 || at + 1 >= order.length),
      button("✕", "Close", () => dialog.close(), false));
    const about = make("p", {}, make("strong", {}, entry.mean), `${entry.seeds.length > 1 ? " on average" : ""}; ${entry.about}.`);
    const maps_ = make("div");
    const body = make("div", { class: "detail-body" });
    if (entry.seeds.length > 1) {
      const choice = make("fieldset", {}, make("legend", {}, "Seeds"));
      ["all together", ...entry.seeds.map((seed, index) => `seed ${seed}: ${entry.values[index]}`)].forEach((text, index) => {
        const input = make("input", { type: "radio", name: "seed", autocomplete: "off" });
        input.checked = index === 0;
        input.addEventListener("change", () => draw(maps_, entry, index - 1));
        choice.append(make("label", { class: "chip" }, input, make("span", {}, text)));
      });
      body.append(make("form", { class: "filters" }, choice));
    }
    body.append(maps_);
    draw(maps_, entry, -1);
    dialog.replaceChildren(make("div", { class: "detail-head" }, title, buttons, about), body);
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    title.focus();
  };

  const follow = () => {
    const anchor = decodeURIComponent(location.hash.slice(1));
    if (Object.hasOwn(maps, anchor)) open(anchor);
    else if (dialog.open) dialog.close();
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#map-']");
    if (!link) return;
    opener = link;
    if (link.hash === location.hash) open(link.hash.slice(1));
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.target.closest("input, .scroll")) return;
    const step = { ArrowLeft: 0, ArrowRight: 1 }[event.key];
    if (step !== undefined) dialog.querySelectorAll(".detail-buttons button")[step].click();
  });
  dialog.addEventListener("close", () => {
    if (location.hash.startsWith("#map-")) history.replaceState(null, "", " ".trim() || location.pathname + location.search);
    if (opener) opener.focus({ preventScroll: true });
  });
  addEventListener("hashchange", follow);
  follow();
}
