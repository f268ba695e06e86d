// Runs before the page is painted: the reader's own light or dark setting, else the system's.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  let chosen = null;
  try {
    chosen = localStorage.getItem("ecopark-theme");
  } catch {
    // storage is switched off: follow the system
  }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
})();
