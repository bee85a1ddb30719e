"use strict";
(() => {
  const page = document.documentElement, words = document.body.dataset;
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
  const one = (selector, within = document) => within.querySelector(selector);
  // Calls: which are shown.
  const rows = all(".calls tbody tr");
  const details = new Map(all("details.call").map((call) => [call.dataset.call, call]));
  const search = one(".search input"), chips = all(".chip");
  const more = one(".more"), texts = new Map();
  const step = Number(more?.dataset.step) || rows.length;
  let room = step;

  // What a search looks through: made while nobody waits, or when it is asked for.
  function text(row) {
    if (!texts.has(row)) texts.set(row, (row.textContent + " " + row.dataset.words).toLowerCase());
    return texts.get(row);
  }
  function prepare(from = 0) {
    for (const row of rows.slice(from, from + step)) text(row);
    if (from + step < rows.length) idle(() => prepare(from + step));
  }
  const idle = window.requestIdleCallback ?? setTimeout;

  // Of the rows that fit only so many are shown: thousands take seconds to lay out.
  function cut() {
    let left = 0;
    for (const row of rows) {
      const later = !row.hidden && ++left > room;
      if (row.classList.contains("later") !== later) row.classList.toggle("later", later);
    }
    if (more) more.hidden = left <= room;
  }
  if (more) {
    one("button", more).addEventListener("click", () => {
      room += step;
      cut();
    });
  }

  function select() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = new Set(chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.verdict));
    let left = 0;
    room = step;
    for (const row of rows) {
      const fits = verdicts.has(row.dataset.verdict) && wanted.every((word) => text(row).includes(word));
      if (row.hidden === fits) row.hidden = !fits;
      left += fits;
      const call = details.get(row.dataset.call);
      if (call && call.hidden === fits) call.hidden = !fits;
    }
    cut();
    one(".none-left").hidden = left > 0;
    one(".shown").textContent = left === rows.length ? "" : words.shown.replace("{n}", left).replace("{all}", rows.length);
  }
  if (search) search.addEventListener("input", select);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") !== "true");
      select();
    });
  }

  // Calls: their order.
  const headings = all(".calls thead th");
  const place = (heading) => headings.slice(0, headings.indexOf(heading)).reduce((sum, each) => sum + each.colSpan, 0);
  const value = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  const figure = (text) => (Number.isNaN(parseFloat(text)) ? Infinity : parseFloat(text));

  function sort(heading) {
    const column = place(heading), numbers = heading.dataset.sort === "number";
    const down = heading.getAttribute("aria-sort") === "ascending";
    const keys = new Map(rows.map((row) => [row, numbers ? figure(value(row, column)) : value(row, column)]));
    const order = (a, b) => (numbers ? (a === b ? 0 : a < b ? -1 : 1) : a.localeCompare(b, page.lang, { numeric: true }));
    rows.sort((a, b) => order(keys.get(a), keys.get(b)) * (down ? -1 : 1) || a.dataset.call - b.dataset.call);
    for (const each of headings) if (each.hasAttribute("aria-sort")) each.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    one(".calls tbody").append(...rows);
    cut();
  }
  for (const heading of headings.filter((each) => each.dataset.sort)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    if (!heading.hasAttribute("aria-sort")) heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => sort(heading));
  }

  // Going to a call, a step or a finding.
  function choose(box) {
    const walk = box.closest(".walk");
    for (const each of all(".box", walk)) each.removeAttribute("aria-current");
    box.setAttribute("aria-current", "step");
    for (const panel of all(".panel", walk)) panel.classList.toggle("chosen", "#" + panel.id === box.hash);
  }
  function show(target) {
    if (target.matches(".panel")) choose(one('.box[href="#' + target.id + '"]', target.closest(".walk")));
    if (target.matches("details.message")) target.open = true;
    for (let at = target.closest("details"); at; at = at.parentElement.closest("details")) {
      at.hidden = false;
      at.open = true;
    }
    for (const each of all(".marked")) each.classList.remove("marked");
    if (target.matches(".finding")) target.classList.add("marked");
    (target.matches(".body") ? target.parentElement : target).scrollIntoView({ block: "start" });
    target.focus({ preventScroll: true });
  }
  function follow() {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target) show(target);
  }
  addEventListener("hashchange", follow);

  for (const row of rows) {
    const link = one("a", row);
    if (!link) continue;
    row.dataset.open = "";
    row.addEventListener("click", (event) => {
      if (event.target.closest("a") || String(getSelection())) return;
      link.click();
    });
  }

  document.addEventListener("click", (event) => {
    const box = event.target.closest(".box"), button = event.target.closest("button.copy"), link = event.target.closest('a[href^="#"]');
    if (box) {
      event.preventDefault();
      choose(box);
    } else if (button) {
      copy(button);
    } else if (link && link.hash === location.hash) {
      follow();
    }
  });
  document.addEventListener("keydown", (event) => {
    const box = event.target.closest(".box");
    const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (box && way) {
      const boxes = all(".box", box.closest(".chart"));
      const next = boxes[boxes.indexOf(box) + way];
      event.preventDefault();
      if (next) {
        next.focus();
        choose(next);
      }
    } else if (event.key === "/" && search && !event.target.matches("input")) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && event.target === search) {
      search.value = "";
      select();
    }
  });

  // Times: the page has UTC; shown is the zone chosen. Texts to copy say themselves that they are UTC.
  const zone = one(".zone select");
  const whole = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{3})?) UTC/g, bracketed = /\(UTC\)/;
  const range = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) – (?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d:\d\d) UTC/g;
  let stamps = null;

  function found() {
    const texts = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      const within = node.parentElement;
      if ((node.data.includes(" UTC") || (bracketed.test(node.data) && within.closest("th, dt"))) && !within.closest("code, script, style, select, .finding")) texts.push([node, node.data]);
    }
    return { texts, times: all("time[datetime]").map((each) => [each, each.textContent, new Date(each.dateTime)]) };
  }
  // A zone by its name, which the browser may not know: then the viewer's is shown.
  let clock = null;
  try {
    clock = new Intl.DateTimeFormat("en", { timeZone: zone.dataset.named || "UTC", timeZoneName: "longOffset" });
  } catch {
    zone.querySelector("[value=named]").remove();
  }
  function named(moment) {
    const told = clock.formatToParts(moment).find((part) => part.type === "timeZoneName").value;
    const [, sign, hours, rest] = told.match(/([+-])(\d\d):(\d\d)/) ?? ["", "+", 0, 0];
    return Number(sign + (hours * 60 + Number(rest)));
  }
  function minutes(moment) {
    if (zone.value === "viewer") return -moment.getTimezoneOffset();
    return zone.value === "named" ? named(moment) : zone.value === "log" ? Number(zone.dataset.log) : 0;
  }
  function label(moment) {
    const off = minutes(moment), size = Math.abs(off), rest = size % 60;
    return "UTC" + (off ? (off < 0 ? "-" : "+") + Math.floor(size / 60) + (rest ? ":" + String(rest).padStart(2, "0") : "") : "");
  }
  const local = (moment) => new Date(moment.getTime() + minutes(moment) * 60000).toISOString();
  function tell() {
    stamps ??= found();
    for (const [each, text, moment] of stamps.times) {
      if (Number.isNaN(moment.getTime())) continue;
      each.textContent = text.includes("-") ? local(moment).slice(0, 10) : local(moment).slice(11, 11 + text.length);
    }
    for (const [node, text] of stamps.texts) {
      const shown = text.replace(range, (_, day, from, other, to) => `${day} ${from} UTC – ${other ?? day} ${to} UTC`).replace(whole, (_, day, time) => {
        const moment = new Date(day + "T" + time + "Z");
        return local(moment).slice(0, 11 + time.length).replace("T", " ") + " " + label(moment);
      });
      node.data = shown.replace(bracketed, (utc) => "(" + (labels(node.parentElement) || utc.slice(1, -1)) + ")");
    }
    texts.clear();
  }
  // Of the times below a heading of a table, or behind a term: two where summer time begins or ends among them.
  function labels(heading) {
    const below = heading.closest("table") ?? heading.nextElementSibling;
    const moments = [...(below?.querySelectorAll("time[datetime]") ?? [])].map((each) => new Date(each.dateTime));
    return [...new Set(moments.filter((moment) => !Number.isNaN(moment.getTime())).map(label))].join("/");
  }
  zone.parentElement.hidden = false;
  zone.addEventListener("change", tell);
  if ([0, 6].some((month) => minutes(new Date(2026, month)))) tell();  // winter and summer; UTC stands there already

  // Copying.
  const said = one(".said");

  function copyByHand(code) {
    const range = document.createRange();
    range.selectNodeContents(code);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return document.execCommand("copy");
  }
  async function copy(button) {
    const code = one("code", button.closest(".copyable"));
    let done = false;
    try {
      await navigator.clipboard.writeText(code.textContent);
      done = true;
    } catch {
      done = copyByHand(code);
    }
    const before = button.dataset.word ?? button.textContent;
    button.dataset.word = before;
    button.classList.toggle("done", done);
    button.textContent = said.textContent = done ? words.copied : words.press;
    clearTimeout(button.timer);
    button.timer = setTimeout(() => {
      button.classList.remove("done");
      button.textContent = before;
      said.textContent = "";
    }, 1800);
  }

  // On paper nothing can be unfolded: what is folded is shown, but closed calls and what is for the screen.
  one(".print-all")?.addEventListener("click", () => {
    const closed = [...details.values()].filter((call) => !call.open && !call.hidden);
    for (const call of closed) call.open = true;
    print();
    for (const call of closed) call.open = false;
  });
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = all("details:not([open], .call, .call:not([open]) *, .answer, .commands, .messages *)");
    for (const each of unfolded) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of unfolded) each.open = false;
  });

  follow();
  if (rows.length) idle(() => prepare());
})();
