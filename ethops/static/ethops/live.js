'use strict';
// Keeps parts of a page fresh: every element with data-live="/path" is fetched again with its
// ETag and swapped when it changed, piece by piece where it has data-part. Hidden tabs rest; errors back off to 30 s; nothing is blanked.
{
  const SLOWEST = 30000, ANNOUNCE = 10000;
  const line = document.getElementById('live');
  const parts = [...document.querySelectorAll('[data-live]')].map((at) => ({ at, tag: at.dataset.tag || '' }));
  const PERIOD = Math.min(...parts.map(({ at }) => Number(at.dataset.period) || 4000));
  let wait = PERIOD, good = new Date(), told = 0, said = '';

  const say = (text) => { if (line && line.textContent !== text) line.textContent = text; };
  const clock = (date) => date.toISOString().slice(11, 16);

  const swap = (part, html) => {
    const open = [...part.at.querySelectorAll('details[open][id]')].map((one) => one.id);
    const held = document.activeElement && part.at.contains(document.activeElement)
      ? document.activeElement.id || document.activeElement.getAttribute('href') : null;
    const fresh = new DOMParser().parseFromString(html, 'text/html');
    const pieces = [...fresh.body.querySelectorAll('[data-part]')];
    if (!pieces.length) part.at.replaceChildren(...fresh.body.childNodes);
    pieces.forEach((piece) => {
      const old = part.at.querySelector(`[data-part="${piece.dataset.part}"]`);
      if (old && old.innerHTML !== piece.innerHTML) old.replaceChildren(...piece.childNodes);
    });
    open.forEach((id) => { const one = document.getElementById(id); if (one) one.open = true; });
    if (held) {
      const again = document.getElementById(held) || part.at.querySelector(`[href="${CSS.escape(held)}"]`);
      if (again) again.focus({ preventScroll: true });
    }
    announce(part.at.querySelector('[data-say]'));
  };

  const announce = (from) => {
    const words = from ? from.dataset.say : '', to = document.getElementById('said');
    if (!to || !words || words === said || Date.now() - told < ANNOUNCE) return;
    to.textContent = said = words;
    told = Date.now();
  };

  const refresh = async (part) => {
    const answer = await fetch(part.at.dataset.live, {
      headers: part.tag ? { 'If-None-Match': part.tag } : {}, redirect: 'error', cache: 'no-store',
    });
    if (answer.status === 304) return;
    if (!answer.ok) throw new Error(String(answer.status));
    part.tag = answer.headers.get('ETag') || '';
    swap(part, await answer.text());
  };

  const round = async () => {
    if (document.hidden) {
      say('Paused');
    } else {
      try {
        await Promise.all(parts.map(refresh));
        good = new Date(); wait = PERIOD;
        document.body.classList.remove('stale');
        say('Live');
      } catch {
        wait = Math.min(wait * 2, SLOWEST);
        document.body.classList.add('stale');
        say(`No contact since ${clock(good)} UTC; showing what was known then`);
      }
    }
    setTimeout(round, wait);
  };

  document.addEventListener('visibilitychange', () => say(document.hidden ? 'Paused' : 'Live'));
  if (parts.length) { say('Live'); setTimeout(round, PERIOD); }
}
