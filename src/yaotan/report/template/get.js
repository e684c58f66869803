document.querySelectorAll("a[data-get]").forEach(function (link) {
  link.href = document.getElementById(link.dataset.get).href;
});
