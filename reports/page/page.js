(() => {
  "use strict";
  // What a cell says, and what stands below that in small letters.
  const small = (c) => c.querySelector("small")?.textContent;
  const text = (c) => c.textContent.slice(0, c.textContent.length - (small(c) ?? "").length);
  const key = (row, i) => {
    const c = row.cells[i], v = c.dataset.v;
    return v === undefined ? text(c) : v === "" ? NaN : Number(v);
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
        row[heads[i]] = text(c);
        if (c.dataset.v) row[heads[i] + " (number)"] = Number(c.dataset.v);
        if (small(c)) row[heads[i] + " (by)"] = small(c);
      });
      return row;
    });
  };
  // Which results they are of goes along, as it does in the files of a report.
  const stamp = document.getElementById("main").dataset.results;
  const csvOf = (table) => {
    const rows = rowsOf(table), heads = [...table.tHead.rows[0].cells].flatMap((h) => {
      const more = [" (number)", " (by)"].map((x) => h.textContent + x);
      return [h.textContent, ...more.filter((n) => rows.some((r) => n in r))];
    });
    // A spreadsheet computes what begins like a formula, unless it is quoted.
    const field = (v) => {
      const s = String(v ?? ""), safe = typeof v === "string" && /^[=+\-@\t\r']/.test(s) ? "'" + s : s;
      return /[",\r\n]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
    };
    return (stamp ? "# " + stamp + "\n" : "") + [heads, ...rows.map((r) => heads.map((h) => r[h]))].map((r) => r.map(field).join(",") + "\n").join("");
  };
  for (const table of tables.keys()) {
    const p = document.createElement("p");
    p.className = "data";
    for (const [name, type, text] of [["CSV", "text/csv", csvOf], ["JSON", "application/json", (t) => JSON.stringify({title: t.caption.textContent, stamp, rows: rowsOf(t)}, null, 1)]]) {
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
    if (section === "events") document.getElementById("ev").open = true;
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
  const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const packed = (id) => new Response(new Blob([bytes(document.getElementById(id).textContent)]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  const cannot = (what, before) => (e) => {
    const p = document.createElement("p");
    p.className = "bad";
    p.textContent = "This browser cannot unpack " + what + " of this page (" + e + ").";
    document.querySelector(before).before(p);
  };
  const set = (select, value) => { if (select && [...select.options].some((o) => o.value === value)) select.value = value; };
  const unpack = async () => {
    const all = await packed("pictures");
    document.fonts.add(await new FontFace(all.name, bytes(all.font)).load());
    pictures = all.all;
    show();
    document.body.dataset.pictures = pictures.length;
  };
  if (pickPanel) {
    set(pickPanel, view.get("figures") ?? (pickPanel.options[1] || pickPanel.options[0]).value);
    set(pickDefense, view.get("under"));
    for (const [select, name] of [[pickPanel, "figures"], [pickDefense, "under"]]) if (select) select.addEventListener("change", () => { remember(name, select.value); show(); });
    show();
    unpack().catch(cannot("the pictures", ".figures"));
  }
  const element = (name, words, number) => {
    const e = document.createElement(name);
    if (words !== undefined) e.append(String(words));
    if (number !== undefined) e.dataset.v = number;
    return e;
  };
  const row = (cells) => {
    const r = document.createElement("tr");
    cells.forEach(([words, number], i) => {
      const e = element(i ? "td" : "th", words, number);
      if (!i) e.scope = "row";
      r.append(e);
    });
    return r;
  };
  // Events: lists by column, whose names are indexes of words. The table is one,
  // filled anew with each choice.
  const evTable = document.getElementById("t-events-1");
  const listEvents = async () => {
    const all = await packed("events-data"), pick = ["panel", "defense", "show"].map((w) => document.getElementById("ev-" + w)), [panel, defense, only] = pick;
    const fill = (select, names) => {
      const old = select.value;
      select.replaceChildren(...names.map((n) => new Option(n)));
      set(select, old);
    };
    const draw1 = () => {
      fill(defense, all.lists.filter((l) => l.panel === panel.value).map((l) => l.defense));
      const l = all.lists.find((x) => x.panel === panel.value && x.defense === defense.value), rows = [], count = {};
      l.truth.forEach((t, i) => {
        const [was, said] = [all.words[t], all.words[l.guess[i]]];
        const verdict = was === "other" ? "false alarm" : said === was ? "right" : said === "missed" ? "missed" : "wrong";
        count[verdict] = (count[verdict] || 0) + 1;
        if (only.value && only.value !== verdict) return;
        rows.push(row([[all.words[l.recording[i]]], [l.seconds[i], l.seconds[i]], [was], [said], [l.score[i], l.score[i]], [verdict]]));
      });
      tables.get(evTable).rows = rows;
      draw(evTable);
      evTable.caption.firstChild.textContent = panel.value + ", under " + defense.value + ", by " + l.attack;
      const listed = l.truth.filter((t) => all.words[t] !== "other").length;
      document.getElementById("ev-count").textContent = "best attack " + l.attack + "; " + Object.entries(count).map(([w, n]) => n + " " + w).join(", ") + " listed, of " + l.events + " events" + (listed < l.events ? " (every so many)" : "") + " and " + l.alarms + " false alarms";
    };
    fill(panel, [...new Set(all.lists.map((l) => l.panel))]);
    set(panel, view.get("events"));
    fill(defense, all.lists.filter((l) => l.panel === panel.value).map((l) => l.defense));
    set(defense, view.get("behind"));
    set(only, view.get("were"));
    pick.forEach((s, i) => s.addEventListener("change", () => {
      remember(["events", "behind", "were"][i], s.value);
      draw1();
    }));
    draw1();
    document.getElementById("ev").open = view.has("behind");
    document.body.dataset.events = all.lists.length;
  };
  if (evTable) listEvents().catch(cannot("the lists of events", "#ev"));
  // What a defense adds to a home of one's own.
  const mine = document.getElementById("mine");
  if (mine) {
    const atMine = () => {
      for (const table of document.querySelectorAll("#costs table")) {
        const heads = [...table.tHead.rows[0].cells], of = heads.findIndex((h) => h.textContent === "bytes");
        if (of < 0) continue;
        let at = heads.findIndex((h) => h.textContent === "GB at mine");
        if (at < 0) {
          at = heads.length;
          const th = element("th");
          th.scope = "col";
          th.className = "n";
          const b = element("button", "GB at mine");
          b.type = "button";
          th.append(b);
          table.tHead.rows[0].append(th);
          for (const r of tables.get(table).rows) r.append(element("td"));
        }
        for (const r of tables.get(table).rows) {
          const share = r.cells[of].dataset.v, gb = share && mine.value ? Number(share) * Number(mine.value) : NaN;
          r.cells[at].textContent = isNaN(gb) ? "–" : (gb < 0 ? "" : "+") + gb.toPrecision(3);
          r.cells[at].dataset.v = isNaN(gb) ? "" : gb;
        }
      }
      remember("mine", mine.value);
    };
    mine.addEventListener("input", atMine);
    if (view.get("mine")) {
      mine.value = view.get("mine");
      atMine();
    }
  }
  // The headline of an earlier page beside this one, cell by cell.
  const earlier = document.getElementById("earlier");
  const printOf = (doc) => /sha256:[0-9a-f]+/.exec([...doc.querySelectorAll("body>p")].map((p) => p.textContent).join(" "))?.[0];
  const cellsOf = (doc) => {
    const out = new Map();
    for (const table of doc.querySelectorAll("#headline table")) {
      const heads = [...table.tHead.rows[0].cells].map((h) => h.textContent);
      for (const r of table.tBodies[0].rows) [...r.cells].forEach((c, i) => { if (c.dataset.v !== undefined) out.set(text(r.cells[0]) + "\t" + heads[i], c); });
    }
    return out;
  };
  if (earlier) earlier.addEventListener("change", async () => {
    const doc = new DOMParser().parseFromString(await earlier.files[0].text(), "text/html"), old = cellsOf(doc), now = cellsOf(document), out = document.getElementById("changes");
    const plain = (c) => c ? text(c).replace(/[\u00b9\u00b2\u00b3\u2070-\u2079 ]+$/, "") : "–", rows = [];
    for (const name of new Set([...now.keys(), ...old.keys()])) {
      const [a, b] = [old.get(name), now.get(name)];
      if (plain(a) === plain(b)) continue;
      const d = a?.dataset.v && b?.dataset.v ? Number(b.dataset.v) - Number(a.dataset.v) : undefined;
      rows.push(row([...name.split("\t").map((w) => [w]), [plain(a)], [plain(b)], [d === undefined ? "–" : (d < 0 ? "" : "+") + Number(d.toPrecision(3)), d ?? ""]]));
    }
    const [was, is] = [printOf(doc), printOf(document)];
    const p = element("p", was && was === is ? "Both pages show the same results, " + is + "." : rows.length + " of " + now.size + " figures differ; the earlier results are " + (was || "without a fingerprint") + ", these " + (is || "without one") + ".");
    out.replaceChildren(p);
    if (!rows.length) return;
    const table = element("table"), body = element("tbody"), head = row([["defense"], ["of"], ["earlier"], ["now"], ["difference"]]), wrap = element("div");
    head.replaceChildren(...[...head.cells].map((c) => {
      const th = element("th", c.textContent);
      th.scope = "col";
      return th;
    }));
    table.append(element("caption", "Figures of the headline that differ"), element("thead"), body);
    table.tHead.append(head);
    body.append(...rows);
    wrap.className = "wrap";
    wrap.tabIndex = 0;
    wrap.append(table);
    out.append(wrap);
  });
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
