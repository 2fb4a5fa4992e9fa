// Evidence archive: is the evidence safe, until when, and where; then hour by hour, places, proofs, the appliance's own
// backup, holds, what is taken out, and this disk. What lies far down is a module of its own, asked for when seen.
import { h, fill, t, named, icon, badge, block, fact, help, empty, num, bytes, when, clock, spell, whenSeen } from '../ui.js';
import { get, on, mayWork, session } from '../data.js';
import { hoursBlock, openHour, closeHour } from '../archive-hours.js';

const EVERY_MS = 4000; // places tell of each object that got there
let page = null;

// One answer for all that is drawn together; again() forgets it, for something was changed.
function once(load) {
	let asked = null;
	const ask = () => {
		const mine = asked ||= load().finally(() => setTimeout(() => { if (asked === mine) asked = null; }, 300));
		return mine;
	};
	ask.again = () => { asked = null; };
	return ask;
}

export function show(place, url, { setParams }) {
	const title = h('h1', { tabindex: -1 }, t('nav.archive')), under = h('p', {}, t('state.loading')), mark = h('span', {}), list = h('ul', { class: 'checks needs' });
	const head = h('div', { class: 'headline unknown', role: 'status' }, mark, h('div', {}, title, under));
	const ctx = {
		setParams, archive: once(() => get('/api/v1/archive')), places: once(() => get('/api/v1/places')),
		kept: new Map(), // forms that people type into, whatever is drawn anew around them
		works: new Map(), // by key: where a job's progress and result stand, while blocks around them are drawn anew
		changed: () => { [ctx.archive, ctx.places].forEach((ask) => ask.again()); return refresh(); },
	};
	const part = (id, file, size) => {
		const work = h('div', { class: 'work' });
		const card = block(t(`archive.part.${id}`), async () => (await import(`../archive-${file}.js`))[id](ctx, work), { class: size });
		card.id = id;
		card.append(work);
		return whenSeen(card);
	};
	const hours = hoursBlock(ctx, url);
	hours.id = 'hours';
	const parts = [part('places', 'places', ''), part('proof', 'proof', 'half'), part('rescue', 'rescue', 'half'), part('holds', 'holds', 'half'), part('take', 'holds', 'half')];
	const disk = whenSeen(block(t('archive.part.disk'), async () => localDisk(await ctx.archive())));
	disk.id = 'disk';
	const all = [hours, ...parts, disk];
	const needs = h('section', { class: 'card needs-card', hidden: true, 'aria-label': t('archive.needs') }, h('header', { class: 'card-head' }, h('h2', {}, t('archive.needs'))), list);
	const sealing = h('div', { class: 'seal-now' });
	fill(place, head, help('archive'), needs, sealing, h('div', { class: 'grid' }, all));

	let goodAt = 0;
	const top = async () => {
		try {
			const [a, p, h24] = await Promise.all([ctx.archive(), ctx.places().catch(() => null), hours.asked?.catch(() => null)]);
			goodAt = Date.now();
			headline(a, p?.items, h24?.items || [], { head, mark, title, under, list, needs });
		} catch (problem) {
			if (problem.status === 401) return;
			head.className = 'headline unknown';
			fill(mark, icon('unknown'));
			title.textContent = goodAt ? t('over.cannot', { at: clock(goodAt) }) : t('archive.head.unknown');
			under.textContent = problem.detail || t('state.failed');
		}
	};
	const refresh = () => Promise.all([...all.filter((b) => !b.classList.contains('unseen')).map(redraw), top()]); // the hours are asked for when top() looks
	if (mayWork()) sealNow(ctx, sealing);
	refresh().then(() => {
		if (location.hash.length > 1) document.getElementById(location.hash.slice(1))?.scrollIntoView();
		openHour(new URL(location.href), ctx);
	});
	page = { hours, ctx };
	let last = Date.now(), due = 0;
	const off = on(['archive', 'places', 'rescue', 'poll', 'reset'], () => {
		due ||= setTimeout(() => {
			due = 0;
			last = Date.now();
			ctx.changed();
		}, Math.max(0, last + EVERY_MS - Date.now()));
	});
	addEventListener('signed-in', refresh);
	return () => { off(); clearTimeout(due); removeEventListener('signed-in', refresh); closeHour(); page = null; };
}
export function update(url) {
	if (page.hours.range(url)) page.hours.refresh();
	openHour(url, page.ctx);
}

// Drawn anew, with the focus where it was and what was opened still open.
async function redraw(card) {
	if (card.querySelector('form.kept')) return;
	const at = card.contains(document.activeElement) && document.activeElement.closest('[data-key]')?.dataset.key;
	const open = [...card.querySelectorAll('details[data-key][open]')].map((d) => d.dataset.key);
	await card.refresh();
	for (const el of card.querySelectorAll('[data-key]')) {
		if (open.includes(el.dataset.key)) el.open = true;
		if (at && el.dataset.key === at && document.activeElement === document.body) (el.matches('details') ? el.firstChild : el).focus();
	}
}

// [severity, sentence, way to mend it] of all that is not as it should be; the worst first.
function wrongs(a, places, hours) {
	const out = [], add = (level, text, href, word) => out.push({ level, text, href, word });
	const late = a.head && Date.now() - Date.parse(a.next_seal_at) > 15 * 60000;
	if (late) add('critical', t('archive.wrong.late', { until: when(a.head.until) }), '/system', 'over.look');
	for (const [state, level] of [['failed', 'critical'], ['missing', 'high']]) {
		const such = hours.filter((o) => o.state === state);
		if (such.length && !(late && state === 'failed')) add(level, t(`archive.wrong.hours.${state}`, { n: num(such.length), since: when(such[0].hour) }), '#hours', 'archive.see');
	}
	if (a.verified?.faults > 0) add('critical', t('archive.wrong.faults', { at: when(a.verified.at), n: num(a.verified.faults) }), '#proof', 'archive.see');
	const ill = (places || a.places).filter((p) => p.state === 'failed' || p.state === 'unproven');
	for (const p of ill) add(p.state === 'unproven' ? 'critical' : 'high', p.words || t(`archive.wrong.${p.state}`, { name: p.name }), '#places', 'archive.see');
	if (!(places || a.places).some((p) => p.state !== 'off')) add('high', t('archive.wrong.noplace'), '#places', session.role === 'admin' ? 'place.add' : 'archive.see');
	if (a.local.days_until_full !== null && a.local.days_until_full < 30) add('high', t('archive.wrong.disk', { n: num(a.local.days_until_full) }), '#disk', 'archive.see');
	if (!['steady', 'stepped_forth'].includes(a.clock.state)) add('high', t('archive.wrong.clock', { state: t(`clock.${a.clock.state}`) }), '/system', 'over.look');
	if (Math.abs(a.clock.skew_s) > 60 && !ill.some((p) => Math.abs(p.skew_s) > 60)) add('high', t('archive.wrong.skew', { time: spell(Math.abs(a.clock.skew_s)) }), '/system', 'over.look');
	if (a.stamp?.error) add('medium', t('archive.wrong.stamp', { at: when(a.stamp.at), text: a.stamp.error }));
	if (a.head && !a.verified) add('unknown', t('archive.wrong.unverified'), '#proof', 'proof.do');
	return out;
}
const WORST = ['critical', 'high', 'medium', 'unknown'];

function headline(a, places, hours, { head, mark, title, under, list, needs }) {
	const wrong = wrongs(a, places, hours).sort((x, y) => WORST.indexOf(x.level) - WORST.indexOf(y.level)), grave = wrong.filter((w) => w.level !== 'unknown');
	const level = grave.length ? grave[0].level : !a.head || wrong.length ? 'unknown' : 'ok';
	const alive = (places || a.places).filter((p) => p.state !== 'off'), good = alive.filter((p) => p.last_proven_at && (p.state === 'ok' || p.state === 'waiting'));
	const names = good.map((p) => p.name).join(t('list.comma')), until = a.head && when(a.head.until);
	head.className = `headline ${level}`;
	if (!mark.firstChild?.matches(`.icon-${level}`)) fill(mark, icon(level));
	const say = (el, text) => { if (el.textContent !== text) el.textContent = text; };
	say(title, !a.head ? t('archive.head.none') : grave.length ? t('archive.head.wrong', { n: grave.length, until }) : names ? t('archive.head.ok', { until, names }) : t('archive.head.here', { until }));
	const waits = alive.filter((p) => p.waiting > 0).map((p) => t('archive.head.waiting', { name: p.name, n: num(p.waiting), bytes: bytes(p.waiting_bytes) }));
	say(under, [grave.length && a.head && (names ? t('archive.head.proven', { names }) : t('archive.head.onlyhere')), ...waits,
		t('archive.head.next', { at: when(a.next_seal_at), n: num(a.uncut_rows) }), t('archive.head.asof', { at: clock(Date.now()) })].filter(Boolean).join(' '));
	needs.hidden = !wrong.length;
	fill(list, wrong.map((w) => h('li', { class: 'need' }, badge(w.level), h('div', { class: 'wrap' }, w.text), w.href && h('a', { class: 'button', href: w.href,
		onclick: w.href.startsWith('#') ? (ev) => { ev.preventDefault(); jump(w.href.slice(1)); } : null }, t(w.word)))));
}
function jump(id) {
	const card = document.getElementById(id), first = card?.querySelector('h2');
	card?.scrollIntoView();
	first?.setAttribute('tabindex', '-1');
	first?.focus({ preventScroll: true });
}

// The running hour, closed early by hand: before the appliance is switched off, or before evidence is taken out.
function sealNow(ctx, place) {
	const work = h('div', { class: 'work' });
	const done = (j) => h('p', { class: 'note' }, icon('ok'), t('seal.done', { seq: num(j.result?.seq ?? 0) }));
	fill(place, h('button', { type: 'button', onclick: async ({ currentTarget: button }) =>
		(await import('../jobs.js')).job(ctx, work, button, 'POST', '/api/v1/archive/seal', {}, done) }, icon('lock'), ' ', t('seal.do')),
	h('span', { class: 'small' }, t('seal.why')), work);
}

function localDisk({ local: l }) {
	const full = l.days_until_full;
	if (!l.objects) return empty(t('disk.none'));
	return [h('dl', { class: 'facts' }, fact(t('disk.bytes'), bytes(l.bytes), t('disk.objects', { n: num(l.objects) })),
		fact(t('disk.perday'), bytes(l.bytes_per_day)), fact(t('disk.free'), bytes(l.free_bytes), l.limit_bytes > 0 && t('disk.limit', { n: bytes(l.limit_bytes) })),
		fact(t('disk.full'), full === null ? t('disk.notfull') : full > 3650 ? t('disk.years') : full < 30 ? badge('high', t('disk.days', { n: num(full) })) : t('disk.days', { n: num(full) })),
		fact(t('disk.oldest'), l.oldest ? when(l.oldest) : '—'),
		l.held > 0 && fact(t('disk.held'), num(l.held)), l.unproven > 0 && fact(t('disk.unproven'), num(l.unproven))),
	l.would_go?.length > 0 && [h('h3', {}, t('disk.order')), h('ol', { class: 'steps' }, l.would_go.map((text) => h('li', {}, text)))]];
}
