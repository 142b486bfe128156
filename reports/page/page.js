(() => {
  "use strict";
  const key = (row, i) => {
    const c = row.cells[i], v = c.dataset.v;
    return v === undefined ? c.textContent : v === "" ? NaN : Number(v);
  };
  const collator = new Intl.Collator("en", {numeric: true});
  // The document holds only the rows that are shown, of many the first ones
  // until all are asked for: a browser takes seconds to lay out ten thousand.
  const tables = new Map();
  for (const table of document.querySelectorAll("table")) {
    const find = (what) => document.getElementById(table.id + "-" + what);
    tables.set(table, {rows: [...table.tBodies[0].rows], match: () => true, most: Number(table.dataset.most || Infinity), count: find("count"), more: find("more"), input: find("q")});
  }
  const draw = (table) => {
    const st = tables.get(table), hits = st.rows.filter(st.match), first = hits.slice(0, st.most);
    for (const r of first) r.hidden = false;
    table.tBodies[0].replaceChildren(...first);
    if (!st.count) return;
    const n = hits.length;
    st.count.textContent = n + " of " + st.rows.length + " rows" + (n > st.most ? ", the first " + st.most + " shown" : "");
    st.more.hidden = n <= st.most;
  };
  const sort = (table, th) => {
    const up = th.getAttribute("aria-sort") !== "ascending", i = th.cellIndex, st = tables.get(table);
    for (const o of table.tHead.rows[0].cells) o.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = st.rows.map((r) => [key(r, i), r]);
    rows.sort(([a], [b]) => {
      // What has no number stays at the end either way.
      const na = typeof a === "number" && isNaN(a), nb = typeof b === "number" && isNaN(b);
      if (na || nb) return na - nb;
      const d = typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b);
      return up ? d : -d;
    });
    st.rows = rows.map(([, r]) => r);
    draw(table);
    dispatchEvent(new CustomEvent("view", {detail: ["sort." + table.id, i + (up ? "up" : "down")]}));
  };
  for (const [table, st] of tables) {
    table.tHead.addEventListener("click", (e) => {
      const th = e.target.closest("th");
      if (th && e.target.closest("button")) sort(table, th);
    });
    if (!st.input) continue;
    if (st.rows.length > st.most) draw(table);
    st.more.addEventListener("click", () => { st.most = Infinity; draw(table); st.input.focus(); });
    let texts = null, timer = 0;
    const filter = () => {
      if (texts === null) texts = new Map(st.rows.map((r) => [r, r.textContent.toLowerCase()]));
      const words = st.input.value.toLowerCase().split(/\s+/).filter((w) => w);
      st.match = (r) => words.every((w) => texts.get(r).includes(w));
      draw(table);
      dispatchEvent(new CustomEvent("view", {detail: ["find." + table.id, st.input.value]}));
    };
    st.input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, 60); });
  }
  // What is behind a table goes out as files made here: no network is asked.
  const save = (name, type, text) => {
    const a = document.createElement("a");
    a.href = URL.createObjectURL(new Blob([text], {type}));
    a.download = name;
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 1000);
  };
  // A number stands beside its text, which may hold an interval or a unit.
  const rowsOf = (table) => {
    const heads = [...table.tHead.rows[0].cells].map((h) => h.textContent);
    return tables.get(table).rows.map((r) => {
      const row = {};
      [...r.cells].forEach((c, i) => {
        row[heads[i]] = c.textContent;
        if (c.dataset.v) row[heads[i] + " (number)"] = Number(c.dataset.v);
      });
      return row;
    });
  };
  const csvOf = (table) => {
    const rows = rowsOf(table), heads = [...table.tHead.rows[0].cells].flatMap((h) => {
      const n = h.textContent + " (number)";
      return rows.some((r) => n in r) ? [h.textContent, n] : [h.textContent];
    });
    // A spreadsheet computes what begins like a formula, unless it is quoted.
    const field = (v) => {
      const s = String(v ?? ""), safe = typeof v === "string" && /^[=+\-@\t\r']/.test(s) ? "'" + s : s;
      return /[",\r\n]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
    };
    return [heads, ...rows.map((r) => heads.map((h) => r[h]))].map((r) => r.map(field).join(",") + "\n").join("");
  };
  for (const table of tables.keys()) {
    const p = document.createElement("p");
    p.className = "data";
    for (const [name, type, text] of [["CSV", "text/csv", csvOf], ["JSON", "application/json", (t) => JSON.stringify({title: t.caption.textContent, rows: rowsOf(t)}, null, 1)]]) {
      const b = document.createElement("button");
      b.type = "button";
      b.className = "theme";
      b.textContent = name;
      b.setAttribute("aria-label", name + " of " + table.caption.textContent);
      b.addEventListener("click", () => save(table.id + "." + name.toLowerCase(), type, text(table)));
      p.append(b);
    }
    table.parentElement.after(p);
  }
  // The part of the address behind "#" says what is shown: a section, and behind
  // "?" sorted columns, filters and the choice of figures.
  const root = document.documentElement, pickPanel = document.getElementById("pick-panel"), pickDefense = document.getElementById("pick-defense");
  const [place, query] = location.hash.slice(1).split(/\?(.*)/s), view = new URLSearchParams(query);
  let section = place;
  const remember = (name, value) => {
    if (value) view.set(name, value); else view.delete(name);
    const q = view.toString();
    history.replaceState(null, "", "#" + section + (q ? "?" + q : ""));
  };
  addEventListener("hashchange", () => {
    section = location.hash.slice(1).split("?")[0];
    remember("", "");
  });
  addEventListener("view", (e) => remember(...e.detail));
  // Pictures are one packed list, in the order of the page; those that are chosen
  // are drawn, which keeps the page light.
  let pictures = null;
  const figures = [...document.querySelectorAll("figure")];
  const show = () => {
    const panel = pickPanel.value, defense = pickDefense ? pickDefense.value : "";
    let n = 0;
    figures.forEach((f, i) => {
      f.hidden = panel !== "" && f.dataset.panel !== "" && f.dataset.panel !== panel || f.dataset.defense !== "" && f.dataset.defense !== defense;
      if (f.hidden) return;
      n++;
      const at = f.querySelector("[data-picture]");
      if (!pictures || at.firstChild) return;
      at.append(document.importNode(new DOMParser().parseFromString(pictures[i].svg, "image/svg+xml").documentElement, true));
      f.querySelector("figcaption p").textContent = pictures[i].caption + (pictures[i].names ? " Names in full: " + pictures[i].names : "");
    });
    document.getElementById("pick-count").textContent = n + " of " + figures.length + " figures";
  };
  const unpack = async () => {
    const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const all = await new Response(new Blob([bytes(document.getElementById("pictures").textContent)]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
    document.fonts.add(await new FontFace(all.name, bytes(all.font)).load());
    pictures = all.all;
    show();
    document.body.dataset.pictures = pictures.length;
  };
  if (pickPanel) {
    const set = (select, value) => { if (select && [...select.options].some((o) => o.value === value)) select.value = value; };
    set(pickPanel, view.get("figures") ?? (pickPanel.options[1] || pickPanel.options[0]).value);
    set(pickDefense, view.get("under"));
    for (const [select, name] of [[pickPanel, "figures"], [pickDefense, "under"]]) if (select) select.addEventListener("change", () => { remember(name, select.value); show(); });
    show();
    unpack().catch((e) => {
      const p = document.createElement("p");
      p.className = "bad";
      p.textContent = "This browser cannot unpack the pictures of this page (" + e + "); the main ones are files beside it, too.";
      document.querySelector(".figures").before(p);
    });
  }
  for (const [name, value] of [...view]) {
    const [what, id] = name.split("."), table = document.getElementById(id);
    if (!tables.has(table)) continue;
    const st = tables.get(table);
    if (what === "sort") {
      const th = table.tHead.rows[0].cells[parseInt(value)];
      if (th) for (let i = value.endsWith("down") ? 2 : 1; i > 0; i--) sort(table, th);
    } else if (what === "find" && st.input) {
      st.input.value = value;
      st.input.dispatchEvent(new Event("input"));
    }
  }
  if (query !== undefined) document.getElementById(section)?.scrollIntoView();
  const theme = document.getElementById("theme");
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const press = () => theme.setAttribute("aria-pressed", String(dark()));
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; press(); });
  press();
})();
