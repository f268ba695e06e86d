// Menu on a narrow screen and the light/dark setting; the page is complete without this file.
"use strict";
(() => {
  const root = document.documentElement;

  const menu = document.querySelector("[data-menu]");
  const rail = document.getElementById("rail");
  if (menu && rail) {
    menu.addEventListener("click", () => {
      const open = rail.classList.toggle("open");
      menu.setAttribute("aria-expanded", String(open));
    });
    rail.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !rail.classList.contains("open")) return;
      rail.classList.remove("open");
      menu.setAttribute("aria-expanded", "false");
      menu.focus();
    });
  }

  const theme = document.querySelector("[data-theme-choice]");
  if (theme) {
    theme.value = root.dataset.theme || "auto";
    theme.addEventListener("change", () => {
      if (theme.value === "auto") delete root.dataset.theme;
      else root.dataset.theme = theme.value;
      try {
        if (theme.value === "auto") localStorage.removeItem("ecopark-theme");
        else localStorage.setItem("ecopark-theme", theme.value);
      } catch {
        // storage is switched off: the setting holds for this page only
      }
      document.dispatchEvent(new Event("ecopark:theme"));
    });
  }

  // a form that changes the record says so before it does
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);
})();
