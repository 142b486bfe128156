(() => {
  "use strict";
  const key = (row, i) => {
    const c = row.cells[i], v = c.dataset.v;
    return v === undefined ? c.textContent : v === "" ? NaN : Number(v);
  };
  const collator = new Intl.Collator("en", {numeric: true});
  const sort = (table, th) => {
    const up = th.getAttribute("aria-sort") !== "ascending", i = th.cellIndex, body = table.tBodies[0];
    for (const o of table.tHead.rows[0].cells) o.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...body.rows].map((r) => [key(r, i), r]);
    rows.sort(([a], [b]) => {
      // What has no number stays at the end either way.
      const na = typeof a === "number" && isNaN(a), nb = typeof b === "number" && isNaN(b);
      if (na || nb) return na - nb;
      const d = typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b);
      return up ? d : -d;
    });
    body.append(...rows.map(([, r]) => r));
  };
  for (const table of document.querySelectorAll("table")) {
    table.tHead.addEventListener("click", (e) => {
      const th = e.target.closest("th");
      if (th && e.target.closest("button")) sort(table, th);
    });
  }
  for (const input of document.querySelectorAll("input[data-table]")) {
    const body = document.getElementById(input.dataset.table).tBodies[0];
    const out = document.getElementById(input.dataset.table + "-count");
    let texts = null, timer = 0;
    const filter = () => {
      if (texts === null) texts = new Map([...body.rows].map((r) => [r, r.textContent.toLowerCase()]));
      const words = input.value.toLowerCase().split(/\s+/).filter((w) => w);
      let n = 0;
      for (const [r, t] of texts) {
        r.hidden = !words.every((w) => t.includes(w));
        if (!r.hidden) n++;
      }
      out.textContent = n + " of " + texts.size + " rows";
    };
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, 60); });
  }
  const theme = document.getElementById("theme"), root = document.documentElement;
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const show = () => theme.setAttribute("aria-pressed", String(dark()));
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; show(); });
  show();
})();
