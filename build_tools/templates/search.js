// The order of search results, and the sections that they lead to. Sphinx puts this file into its
// language_data.js, which the page of the search loads after searchtools.js. INTRODUCED, word →
// page, is on that page (nin_pages.py).
var Scorer = {
  objNameMatch: 11, objPartialMatch: 6, objPrio: {}, objPrioDefault: -5,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
  // The page that introduces what was asked for comes first, lists of names come last.
  score: ([page, , , , score]) => {
    const asked = new URLSearchParams(location.search).get("q").toLowerCase().trim();
    if ((INTRODUCED[asked] ?? INTRODUCED[asked.replace(/s$/, "")]) === page) return score + 1000;
    return /^(api|genindex|measured)$/.test(page) ? score - 1000 : score;
  },
};

// Below a page's title stand the sections that say the words, those first that say most of them.
const MOST = 3, AROUND = 110;
if (typeof Search !== "undefined")
  Search.makeSearchSummary = (html, keywords) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const file = new URL(page.querySelector('link[rel="canonical"]').href).pathname.split("/").pop();
    const words = [...keywords].map((word) => word.toLowerCase());
    const found = [];
    for (const mark of page.querySelectorAll(".headerlink")) mark.remove();
    for (const section of page.querySelectorAll("article section[id]")) {
      const heading = section.querySelector("h1, h2, h3");
      const parts = [...section.children].filter((part) => !part.matches("section, script, style"));
      const text = parts.map((part) => part.textContent).join(" ").replace(/\s+/g, " ");
      const said = words.filter((word) => text.toLowerCase().includes(word));
      const title = heading?.textContent ?? "";
      const named = words.filter((word) => title.toLowerCase().includes(word)).length;
      if (said.length) found.push({ id: section.id, title, text, said, rank: said.length + named });
    }
    found.sort((a, b) => b.rank - a.rank);
    const list = document.createElement("ul");
    list.className = "sections";
    for (const { id, title, text, said } of found.slice(0, MOST)) {
      const item = list.appendChild(document.createElement("li"));
      const link = item.appendChild(document.createElement("a"));
      link.href = `${file}#${id}`;
      link.textContent = title;
      const at = Math.max(0, text.toLowerCase().indexOf(said[0], title.length) - AROUND);
      item.append(` …${text.slice(at, at + 2 * AROUND).trim()}…`);
    }
    return list;
  };
