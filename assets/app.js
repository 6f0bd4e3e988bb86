// The little that the console does in the browser. Everything works without it.
(() => {
  const announce = (button, text) => {
    const label = button.firstChild;
    const before = label.textContent;
    label.textContent = text;
    setTimeout(() => { label.textContent = before; }, 2000);
  };

  // Without https or localhost there is no clipboard: the text is selected instead.
  const copy = async button => {
    const value = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(value.textContent);
      announce(button, "Copied");
    } catch {
      getSelection().selectAllChildren(value);
      announce(button, "Selected");
    }
  };

  const prepare = root => {
    for (const button of root.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
  };

  addEventListener("click", event => {
    const button = event.target.closest?.("[data-copy]");
    if (button) copy(button);
    // A menu closes when one looks elsewhere.
    for (const menu of document.querySelectorAll("details.me[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  addEventListener("keydown", event => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.me[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // After a swap of the whole page's content, reading goes on at its heading.
  document.addEventListener("htmx:after:swap", () => {
    prepare(document);
    if (document.activeElement !== document.body) return;
    document.getElementById("main")?.focus({ preventScroll: false });
  });

  prepare(document);
})();
