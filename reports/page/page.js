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
    };
    st.input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, 60); });
  }
  // Pictures are one packed list, in the order of the page.
  const unpack = async () => {
    const bytes = Uint8Array.from(atob(document.getElementById("pictures").textContent), (c) => c.charCodeAt(0));
    const svgs = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
    const all = document.querySelectorAll("img[data-picture]");
    svgs.forEach((svg, i) => { all[i].src = "data:image/svg+xml," + encodeURIComponent(svg); });
    document.body.dataset.pictures = svgs.length;
  };
  if (document.getElementById("pictures")) unpack().catch((e) => {
    const p = document.createElement("p");
    p.className = "bad";
    p.textContent = "This browser cannot unpack the pictures of this page (" + e + "); the main ones are files beside it, too.";
    document.querySelector(".figures").before(p);
  });
  const theme = document.getElementById("theme"), root = document.documentElement;
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const press = () => theme.setAttribute("aria-pressed", String(dark()));
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; press(); });
  press();
})();
