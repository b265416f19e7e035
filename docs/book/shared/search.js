// The book's index splits text at spaces, so it finds no Chinese. Words in Chinese are looked for in the stored text.
(() => {
  if (!window.elasticlunr) return;
  const index = window.elasticlunr.Index.prototype;
  const byWords = index.search;
  const count = (text, word) => text.split(word).length - 1;
  index.search = function (query, options) {
    if (!/[\u3400-\u9fff]/.test(query)) return byWords.call(this, query, options);
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    for (const [ref, doc] of Object.entries(this.documentStore.docs)) {
      const title = `${doc.title} ${doc.breadcrumbs}`.toLowerCase();
      const body = doc.body.toLowerCase();
      const scores = words.map((word) => 5 * count(title, word) + count(body, word));
      if (scores.every(Boolean)) found.push({ ref, doc, score: scores.reduce((sum, score) => sum + score) });
    }
    return found.sort((a, b) => b.score - a.score);
  };
})();
