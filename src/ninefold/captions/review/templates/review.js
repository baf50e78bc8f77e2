// Shows one pair after another. The server has every verdict on its disk before the next pair is shown.
"use strict";
{
  const get = (id) => document.getElementById(id);
  const query = new URLSearchParams(location.search);
  const token = query.get("token") || "";
  const total = Number(get("work").dataset.pairs);
  const buttons = [...document.querySelectorAll("[data-verdict]")];
  const verdicts = new Map();  // From the position of a pair to its verdict, note and seconds; the latest last.
  const shown = new Map();  // Pairs asked for so far.
  const LONGEST = 600;  // Seconds; after a longer time, the judge was elsewhere.
  let judge = "";
  let at = 0;
  let since = performance.now();
  let last = Promise.resolve();
  let waiting = 0;

  const address = (path, values = {}) => `${path}?${new URLSearchParams({ ...values, token })}`;

  const ask = async (path, values, body) => {
    let answer;
    try {
      answer = await fetch(body ? path : address(path, values), {
        method: body ? "POST" : "GET",
        headers: { "X-Review-Token": token, ...(body && { "Content-Type": "application/json" }) },
        body: body && JSON.stringify(body),
        keepalive: Boolean(body),  // What is written while the page closes is saved too.
      });
    } catch {
      throw new Error("The server does not answer. Run the command again and open its new link; all verdicts before are saved.");
    }
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    return found;
  };

  const alarm = (message) => {
    get("alert").textContent = message;
    get("alert").hidden = !message;
    if (message) get("alert").scrollIntoView({ block: "nearest" });
  };

  // What the judge does happens in order: a key that comes while a verdict is being saved waits.
  const next = (action) => {
    last = last.then(action).then(() => alarm(""), (error) => alarm(error.message));
    return last;
  };

  const pair = (position) => {
    if (!shown.has(position)) {
      const asked = ask(`/pairs/${position}`);
      asked.catch(() => shown.delete(position));
      shown.set(position, asked);
    }
    return shown.get(position);
  };

  const given = (position) => verdicts.get(position) || { verdict: "", note: "", seconds: 0 };

  const save = async (position, value) => {
    const seconds = Math.max(0, value.seconds);
    await ask("/verdicts", null, { judge, at: position, verdict: value.verdict, note: value.note, seconds });
    verdicts.delete(position);
    if (value.verdict || value.note) verdicts.set(position, value);
    tell();
  };

  const judged = () => [...verdicts].filter(([, value]) => value.verdict);

  const open = (from) => {
    for (let step = 0; step < total; step += 1) {
      if (!given((from + step) % total).verdict) return (from + step) % total;
    }
    return null;
  };

  const clock = (seconds) => {
    const minutes = Math.round(seconds / 60);
    return minutes < 1 ? "less than a minute" : minutes < 60 ? `about ${minutes} min` : `about ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  };

  const tell = () => {
    const done = judged();
    get("done").value = done.length;
    get("count").textContent = `${done.length} of ${total} judged.`;
    get("tally").textContent = buttons
      .map((button) => [button.dataset.verdict, done.filter(([, value]) => value.verdict === button.dataset.verdict).length])
      .filter(([, count]) => count).map(([verdict, count]) => `${count} ${verdict === "skip" ? "skipped" : verdict}`).join(", ");
    // The median of the last pairs: one long break does not count.
    const times = done.slice(-20).map(([, value]) => value.seconds).filter((value) => value > 0).sort((a, b) => a - b);
    const median = times[Math.floor(times.length / 2)];
    get("pace").textContent = times.length > 2 && done.length < total
      ? `· ${Math.max(1, Math.round(median))} s a pair, ${clock(median * (total - done.length))} left` : "";
    const value = given(at);
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.verdict === value.verdict));
    get("undo").disabled = done.length === 0;
    get("open").disabled = done.length === total;
  };

  const facts = (found) => {
    const rows = [
      ["Relation", found.relation], ["Frame", found.frame], ["Subject", found.subject], ["Object", found.object],
      ["Description of", found.label],
    ].filter(([, value]) => value);
    get("facts").replaceChildren(...rows.flatMap(([name, value]) => [
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: value }),
    ]));
  };

  const picture = (position, found) => {
    const [link, image, note] = [get("whole"), get("image"), get("no-image")];
    note.hidden = found.has_image;
    link.hidden = !found.has_image;
    document.querySelector(".pair").classList.toggle("is-bare", !found.has_image);
    note.textContent = "This pair has no image: judge whether the caption says so.";
    image.removeAttribute("src");
    if (!found.has_image) return;
    link.href = image.src = address(`/images/${position}`);
    image.onerror = async () => {
      const said = await ask(`/images/${position}`).catch((error) => error.message);
      if (position !== at) return;
      link.hidden = true;
      note.hidden = false;
      note.textContent = `The image cannot be shown: ${said}`;
    };
  };

  const show = async (position) => {
    const found = await pair(position);
    if (position !== at) scrollTo({ top: 0, behavior: "instant" });
    at = position;
    since = performance.now();
    history.replaceState(null, "", `${location.search}#${at + 1}`);
    get("position").textContent = `Pair ${at + 1} of ${total}`;
    get("pair-id").textContent = found.id;
    get("question").textContent = found.question;
    get("answer").querySelector("strong").textContent = found.answer;
    facts(found);
    const [before, span, after] = found.caption;
    const mark = Object.assign(document.createElement("mark"), { textContent: span });
    get("caption").replaceChildren(before, ...(span ? [mark] : []), after);
    get("caption").scrollTop = span ? mark.offsetTop - get("caption").clientHeight / 2 : 0;
    picture(position, found);
    get("note").value = given(at).note;
    get("back").disabled = at === 0;
    get("forth").disabled = at === total - 1;
    tell();
    get("status").textContent = `Pair ${at + 1} of ${total}: ${found.question} ${found.answer}`;
    if (at + 1 < total) {
      // The next pair and its image are there when they are wanted.
      pair(at + 1).then((one) => { if (one.has_image) new Image().src = address(`/images/${at + 1}`); }, () => {});
    }
  };

  const decide = (verdict) => next(async () => {
    const seconds = Math.min((performance.now() - since) / 1000, LONGEST);
    await save(at, { verdict, note: get("note").value, seconds });
    const following = open(at);
    if (following === null) get("status").textContent = get("count").textContent = `All ${total} pairs are judged.`;
    else await show(following);
  });

  const undo = () => next(async () => {
    const latest = judged().at(-1);
    if (!latest) return;
    const [position, value] = latest;
    await save(position, { ...value, verdict: "", seconds: 0 });
    await show(position);
  });

  const move = (step) => next(async () => { if (at + step >= 0 && at + step < total) await show(at + step); });
  const toOpen = () => next(async () => { const found = open(0); if (found !== null) await show(found); });

  const keep = () => {
    clearTimeout(waiting);
    const [position, note] = [at, get("note").value];
    if (note === given(position).note) return;
    next(() => save(position, { ...given(position), note }));
  };

  const begin = async (name) => {
    const found = await ask("/verdicts", { judge: name });
    judge = found.judge;
    for (const { at: position, ...value } of found.verdicts) verdicts.set(position, value);
    query.set("judge", judge);
    history.replaceState(null, "", `?${query}${location.hash}`);
    get("judge").textContent = judge;
    get("to-summary").href = address("/summary");
    const wanted = Number(location.hash.slice(1)) - 1;
    get("ask").hidden = true;
    get("who").hidden = get("work").hidden = false;
    await show(Number.isInteger(wanted) && wanted >= 0 && wanted < total ? wanted : open(0) ?? 0);
    get("work").focus({ preventScroll: true });
  };

  document.addEventListener("keydown", (event) => {
    if (get("work").hidden) return;
    const isText = event.target.matches("textarea, input");
    if (isText && event.key === "Escape") get("work").focus({ preventScroll: true });
    if (isText || event.altKey || event.metaKey || event.repeat) return;
    const key = event.key.toLowerCase();
    if (event.ctrlKey && key !== "z") return;
    const button = buttons.find((one) => one.dataset.keys.includes(key) && key.length === 1);
    const action = {
      arrowleft: () => move(-1), arrowright: () => move(1), u: undo, m: () => next(() => get("note").focus()),
      ...(event.ctrlKey && { z: undo }),
      ...(button && { [key]: () => decide(button.dataset.verdict) }),
    }[key];
    if (action) { event.preventDefault(); action(); }
  });
  for (const button of buttons) button.addEventListener("click", () => decide(button.dataset.verdict));
  get("back").addEventListener("click", () => move(-1));
  get("forth").addEventListener("click", () => move(1));
  get("undo").addEventListener("click", undo);
  get("open").addEventListener("click", toOpen);
  get("note").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(keep, 250); });
  get("note").addEventListener("change", keep);
  addEventListener("pagehide", keep);
  get("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    next(() => begin(get("name").value));
  });
  const askName = () => {
    get("ask").hidden = false;
    get("name").focus();
  };
  if (!query.get("judge")) askName();
  else {
    next(async () => {
      try {
        await begin(query.get("judge"));
      } catch (error) {
        if (!judge) askName();
        throw error;
      }
    });
  }
}
