// Narrows the table of all endpoints to the rows that contain every word, in any language.
(() => {
  const field = document.getElementById("find");
  if (!field) return;
  const rows = [...document.querySelectorAll("main tbody tr")].map((row) => [row, row.textContent.toLowerCase()]);
  const narrow = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const [row, text] of rows) row.hidden = !words.every((word) => text.includes(word));
  };
  field.addEventListener("input", narrow);
  // mdBook takes single letters as shortcuts.
  field.addEventListener("keydown", (event) => event.stopPropagation());
  field.value = decodeURIComponent(location.hash.slice(1));
  narrow();
  field.focus();
})();
