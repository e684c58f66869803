// Measures a laid-out page: widths, figures, overlaps of text, glyphs that no font has.
(function () {
  function box(element) {
    var r = element.getBoundingClientRect();
    return { left: r.left, top: r.top, right: r.right, bottom: r.bottom, width: r.width, height: r.height };
  }
  function overlap(a, b) {
    return [Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)];
  }
  var found = { width: window.innerWidth, scroll: document.documentElement.scrollWidth, overlaps: [], outside: [], flat: [], clipped: [], texts: 0, svgs: 0, small: [] };
  document.querySelectorAll("figure svg").forEach(function (svg) {
    var frame = box(svg), texts = Array.from(svg.querySelectorAll("text")).map(function (t) {
      return { text: t.textContent, box: box(t) };
    }).filter(function (t) { return t.text.trim(); });
    found.svgs += 1;
    found.texts += texts.length;
    if (frame.width < 60 || frame.height < 20) { found.flat.push(svg.querySelector("title").id); }
    texts.forEach(function (a, i) {
      if (a.box.left < frame.left - 1 || a.box.right > frame.right + 1 || a.box.top < frame.top - 1 || a.box.bottom > frame.bottom + 1) {
        found.outside.push(svg.querySelector("title").id + ": " + a.text);
      }
      texts.slice(i + 1).forEach(function (b) {
        var by = overlap(a.box, b.box);
        // boxes include the empty part of a line above and below its letters
        if (by[0] > 1 && by[1] > 0.25 * Math.min(a.box.height, b.box.height)) {
          found.overlaps.push(svg.querySelector("title").id + ": " + a.text + " / " + b.text);
        }
      });
      if (a.box.height < 8) { found.small.push(a.text); }
    });
  });
  document.querySelectorAll(".card *, h1, h2, h3, .figure-title, .say, .meta, .note, figcaption, .keys li").forEach(function (element) {
    if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0) { found.clipped.push(element.textContent.slice(0, 60)); }
  });
  var canvas = document.createElement("canvas"), pen = canvas.getContext("2d", { willReadFrequently: true });
  canvas.width = canvas.height = 32;
  function picture(character) {
    pen.clearRect(0, 0, 32, 32);
    pen.font = "20px " + getComputedStyle(document.body).fontFamily;
    pen.fillText(character, 4, 24);
    return pen.getImageData(0, 0, 32, 32).data.join();
  }
  var missing = [picture("\uFFFE"), picture("\u{10FFFE}")];
  var characters = new Set(Array.from(document.body.innerText + Array.from(document.querySelectorAll("svg text")).map(function (t) { return t.textContent; }).join("")).filter(function (c) { return c > " " && c !== "\u00A0"; }));
  found.tofu = Array.from(characters).filter(function (c) { return missing.indexOf(picture(c)) >= 0; });
  found.characters = characters.size;
  var result = document.createElement("pre");
  result.id = "measured";
  result.textContent = JSON.stringify(found);
  document.body.appendChild(result);
})();
