// Before anything is drawn: light or dark, as the system has it
document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
