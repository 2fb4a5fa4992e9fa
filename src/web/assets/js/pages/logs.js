// Log search. The address holds all of it: words (kinds among them), range, order, page, open row. Answers come
// newest first while older logs are still being read; what has been read so far is always said.
import { h, fill, t, icon, iconButton, block, empty, help, num, when, exact, announce, trouble, iso } from '../ui.js';
import { get, on, withParams } from '../data.js';
import { areaChart, logChart, gapText, gapList } from '../charts.js';
import { readRange, rangeControl, pick, split, value, searchBox, chips, common, takeFilters, explain, countText, rowTable, rowKeys, pages, isCold, coldFoot, openRow, closeRow } from '../list.js';
import { KINDS, kindText, actionOf, whatOf, marks } from '../log-row.js';

const LIMIT = 50;
const FIELDS = ['host:', 'peer:', 'port:', 'user.name:', 'action:deny', 'source.bytes>100MB', 'observer.name:', 'toms.log.threat:', 'destination.domain:', '-action:accept'];
const KIND = new RegExp(`^(-?)(?:toms\\.log\\.)?kind:(${KINDS.join('|')})$`, 'i'); // words that the check boxes stand for
let here = null; // { place, tools, url, range, rows, table, all }

export function show(place, url, tools) {
	here = { place, tools, url };
	const untake = takeFilters(tools.setParams);
	draw(url);
	const again = () => here.all.forEach((b) => b.refresh());
	const off = on(['logs', 'reset', 'poll'], (data, topic) => {
		const news = place.querySelector('.news'), { range, q } = here;
		if (topic !== 'logs') return again();
		if (news && range.open && !q.get('cursor') && (q.get('sort') || 'newest') === 'newest') news.hidden = false;
	});
	addEventListener('signed-in', again);
	return () => {
		off();
		untake();
		removeEventListener('signed-in', again);
		here.table.stop();
		closeRow();
	};
}

// The address changed. An opened or closed row leaves everything else as it is.
export function update(url) {
	const rest = (u) => { const c = new URL(u); c.searchParams.delete('row'); return c.href; };
	const same = rest(url) === rest(here.url), focus = document.activeElement?.getAttribute('name') || document.activeElement?.id;
	here.url = url;
	if (same) return showRow();
	closeRow();
	here.table.stop();
	draw(url);
	if (focus) (here.place.querySelector(`[name="${CSS.escape(focus)}"]`) || document.getElementById(focus))?.focus();
}
function showRow() {
	const id = here.url.searchParams.get('row');
	if (id) openRow(id, here.table.rows(), here.tools.setParams, 'log'); else closeRow();
}

function draw(url) {
	const { place, tools: { setParams } } = here, q = url.searchParams, range = readRange(url);
	const words = split(q.get('q')), kinds = kindsOf(words), rest = words.filter((w) => !KIND.test(w)), undo = history.state?.undo;
	const absolute = () => ({ since: iso(range.from), until: iso(range.to), q: words.join(' '), cold: isCold(q) });
	const figure = areaChart();
	const chart = block(t(rest.length ? 'logs.chart.all' : 'logs.chart'), () => logChart(figure, { by: 'kind', range, name: (k) => t(`kind.${k || 'unknown'}`),
		only: kinds.length < KINDS.length ? kinds : null, height: 150, none: empty(t('logs.nolines')),
		onRange: (a, b) => setParams({ since: iso(a), until: iso(b), cursor: null }, { state: { undo: { since: range.since, until: range.until } } }) }), {
		tools: undo && h('button', { type: 'button',
			onclick: () => setParams({ since: undo.since, until: undo.until, cursor: null }) }, icon('left'), ' ', t('range.undo')) });
	const table = results(url, range, words, setParams, [
		h('a', { class: 'button', href: withParams('/traffic', { since: q.get('since'), until: q.get('until'), q: common(words).join(' ') }) }, icon('traffic'), ' ', t('logs.traffic')),
		h('button', { type: 'button', onclick: async () => (await import('../export.js')).ask(absolute(), here.table.total()) }, icon('down'), ' ', t('logs.csv'))]);
	Object.assign(here, { q, range, table, all: [chart, table] });
	const news = h('button', { type: 'button', class: 'news', hidden: true, onclick: () => { news.hidden = true; here.all.forEach((b) => b.refresh()); } }, t('logs.news'));
	fill(place,
		h('div', { class: 'page-head' }, h('h1', { tabindex: -1 }, t('nav.logs')), rangeControl(range, setParams)), help('logs'),
		searchBox(q, setParams, { label: t('logs.search'), hint: t('logs.search.hint'), words: FIELDS, tools: saved(q, setParams) }),
		later('build', 'logs.build', async (body) => (await import('../builder.js')).build(body, words, KIND, setParams)),
		rest.length > 0 && chips(words, setParams, rest), kindBoxes(words, kinds, setParams),
		h('div', { class: 'grid' }, h('div', {}, chart, rest.length > 0 && h('p', { class: 'note' }, icon('info'), t('logs.chartall'))),
			h('div', {}, news, table)));
	chart.refresh();
	table.refresh().then(showRow);
	if (words.length) announce(t('traffic.filtered', { n: words.length }));
}

// Something that is fetched when it is opened; stays open when the page is drawn anew.
const opened = new Set();
function later(name, word, load) {
	const body = h('div', {}), el = h('details', { class: name, open: opened.has(name) }, h('summary', {}, t(word)), body);
	el.addEventListener('toggle', () => {
		if (el.open) opened.add(name); else opened.delete(name);
		if (el.open && !body.firstChild) load(body).catch((problem) => fill(body, trouble(problem)));
	});
	return el;
}
function saved(q, setParams) {
	const el = later('saved', 'saved.title', async (body) =>
		(await import('../searches.js')).menu(body, q.get('q') || '', (text) => { opened.delete('saved'); setParams({ q: text, cursor: null, row: null }); }));
	el.addEventListener('keydown', (ev) => { if (ev.key === 'Escape') { el.open = false; el.querySelector('summary').focus(); } });
	return el;
}

// Kinds are words like any other: one alone is asked for, several are all but the others.
function kindsOf(words) {
	const found = words.map((w) => KIND.exec(w)).filter(Boolean), only = found.filter((m) => !m[1]).map((m) => m[2].toLowerCase());
	return KINDS.filter((k) => only.length ? only.includes(k) : !found.some((m) => m[2].toLowerCase() === k));
}
function kindBoxes(words, kinds, setParams) {
	const set = (next) => setParams({ cursor: null, row: null, q: [...words.filter((w) => !KIND.test(w)),
		...(next.length === 1 ? [`toms.log.kind:${next[0]}`] : next.length ? KINDS.filter((k) => !next.includes(k)).map((k) => `-toms.log.kind:${k}`) : [])].join(' ') });
	return h('fieldset', { class: 'kinds' }, h('legend', {}, t('logs.kinds')), KINDS.map((k) => h('label', {},
		h('input', { type: 'checkbox', name: `kind-${k}`, checked: kinds.includes(k),
			onchange: (ev) => set(KINDS.filter((x) => x === k ? ev.target.checked : kinds.includes(x))) }), t(`kind.${k}`))),
	kinds.length < KINDS.length && h('button', { type: 'button', class: 'quiet small', onclick: () => set([]) }, t('logs.kinds.all')));
}

// Names come before addresses; source and destination as the device tells them.
function end(r, side) {
	const s = r[side] || {}, name = side === 'source' ? pick(r, 'source.domain') : pick(r, 'destination.domain');
	if (!s.ip && !name) return '—';
	return [name && h('div', { class: 'wrap' }, value(side === 'source' ? 'host' : 'destination.domain', name)),
		s.ip && h('div', { class: s.ip.includes(':') ? 'mono' : 'mono v4' }, value('host', s.ip), s.port !== undefined && [':', value('port', s.port)])];
}
function device(r) {
	const name = pick(r, 'observer.name'), ip = pick(r, 'log.source.ip');
	return name ? value('observer.name', name) : ip ? value('log.source.ip', ip) : null;
}
const columns = [
	{ key: 'time', sort: 'newest', cell: (r) => h('span', { title: r['@timestamp'] }, when(r['@timestamp'], true)) },
	{ key: 'kind', cell: (r) => [pick(r, 'toms.log.kind') ? value('toms.log.kind', pick(r, 'toms.log.kind'), kindText(r)) : kindText(r), h('div', { class: 'small wrap' }, device(r))] },
	{ key: 'source', cell: (r) => end(r, 'source') },
	{ key: 'destination', cell: (r) => end(r, 'destination') },
	{ key: 'action', cell: (r) => actionOf(r, (act, shown) => value('action', act, shown)) },
	{ key: 'volume', n: true, cell: (r) => {
		const sent = pick(r, 'source.bytes'), got = pick(r, 'destination.bytes');
		return sent === undefined && got === undefined ? '—' : [exact(sent ?? 0), h('div', { class: 'small' }, t('logs.got'), ' ', exact(got ?? 0))];
	} },
	{ key: 'user', rest: true, cell: (r) => pick(r, 'user.name') ? value('user.name', pick(r, 'user.name')) : '—' },
	{ key: 'what', cell: (r) => [h('div', { class: 'what-text' }, whatOf(r)), h('div', { class: 'marks' }, marks(r))] },
];

// The search itself. The first answer fills the block; while one says that it is not complete and the page is not
// full, the next is asked for with its cursor, until somebody stops it.
function results(url, range, words, setParams, tools) {
	const q = url.searchParams, sort = q.get('sort') || 'newest', forward = sort !== 'oldest';
	const status = h('div', { class: 'search-status' }), list = h('div', {}), foot = h('div', {});
	let now = null; // { rows, last answer, total, since, until: span read, asking, stopped, wrong }; of the newest run

	const more = (s) => !s.last.complete && s.rows.length < LIMIT;
	async function step(s) {
		const { last } = s, first = !last;
		// Without a cursor an answer that is not complete goes on where it says that it ended.
		const goes = first ? { cursor: q.get('cursor') } : last.next ? { cursor: last.next } : forward ? { until: s.since } : { since: s.until };
		const answer = await get('/api/v1/logs', { since: range.since, until: range.until, q: words.join(' '), sort,
			cold: isCold(q) ? 'true' : null, limit: LIMIT - s.rows.length, total: first ? null : 'false', ...goes }).catch((problem) => explain(problem, q.get('q')));
		const known = new Set(s.rows.map((r) => r.event.id)), before = `${s.since} ${s.until}`, { since, until } = answer.covered || {};
		const fresh = answer.items.filter((r) => !known.has(r.event.id));
		s.rows = [...s.rows, ...fresh];
		s.total ||= answer.total;
		s.since = [s.since, since].filter(Boolean).sort()[0];
		s.until = [s.until, until].filter(Boolean).sort().pop();
		s.stopped = !first && !fresh.length && answer.next === last.next && before === `${s.since} ${s.until}`; // it does not get on: a person decides
		s.last = answer;
	}
	async function goOn(s) {
		Object.assign(s, { asking: true, stopped: false, wrong: null });
		paint(s);
		try {
			while (now === s && more(s) && !s.stopped && s.asking) {
				const shown = s.rows.length;
				await step(s);
				if (now === s) paint(s, shown === s.rows.length);
			}
		} catch (problem) {
			if (problem.status !== 401) s.wrong = problem;
		}
		s.asking = false;
		if (now === s) paint(s);
	}
	function stop(s) {
		s.asking = false;
		paint(s, true);
	}

	// same: the rows have not changed.
	function paint(s, same) {
		const { rows, last, asking } = s, from = Date.parse(s.since || iso(range.from)), to = Date.parse(s.until || iso(range.to)), open = more(s);
		const share = Math.round(Math.max(0, Math.min(1, (forward ? range.to - from : to - range.from) / (range.to - range.from || 1))) * 100);
		const args = { at: when(forward ? from : to), share }, gaps = (last.gaps || []).filter((g) => g.reason !== 'before_first_record' || !rows.length);
		const all = last.complete && !last.next && !q.get('cursor'), count = all ? t('flows.count', { n: num(rows.length) }) : s.total && (last.next || q.get('cursor')) ? t('logs.part', { count: countText(s.total), n: num(rows.length) })
			: countText(s.total) || t('logs.shown', { n: num(rows.length) });
		fill(status,
			open && h('div', { class: 'searching' }, asking ? h('progress', { max: 100, value: share, 'aria-label': t('logs.searching') }) : icon('high'),
				h('strong', {}, t(`logs.${asking ? 'read' : 'stopped'}.${forward ? 'back' : 'forth'}`, args)),
				h('button', { type: 'button', class: asking ? '' : 'primary', onclick: () => asking ? stop(s) : goOn(s) }, t(asking ? 'logs.stop' : 'logs.goon'))),
			s.wrong && trouble(s.wrong),
			h('p', { class: 'coverage' }, [!(asking && open) && count, t('flows.covered', { from: when(from), to: when(to) }), t('over.asof', { at: when(last.as_of, true) })].filter(Boolean).join(' · ')),
			gaps.length > 0 && h('p', { class: 'coverage gaps' }, icon('info'), t('logs.gaps', { list: gapList(gaps.map(gapText)) })));
		if (!same || !rows.length) {
			const focus = document.activeElement?.closest?.('tr[data-id]')?.dataset.id;
			fill(list, rows.length ? rowTable({ rows, columns, sort, setParams, keys: t('logs.keys'), style: 'logs' })
				: empty(t(open ? (asking ? 'logs.none.yet' : 'flows.notyet') : words.length ? 'logs.none' : 'logs.nolines'),
					!open && !words.length && h('a', { href: '/system#sources' }, t('logs.nolines.go'))));
			if (focus) list.querySelector(`tr[data-id="${CSS.escape(focus)}"]`)?.focus();
		}
		fill(foot, pages({ next: open ? null : last.next }, q, setParams), !open && coldFoot(last, q, setParams));
		if (!open) announce(rows.length ? count : t('logs.none'));
	}

	const el = block(t('logs.rows'), async () => {
		const s = { rows: [], last: null, total: null };
		await step(s);
		now = s;
		if (more(s)) goOn(s); else paint(s);
		return [status, list, foot];
	}, { tools: h('div', { class: 'tools' }, iconButton('again', t('logs.again'), () => here.all.forEach((b) => b.refresh())), tools) });
	el.addEventListener('keydown', rowKeys);
	return Object.assign(el, { rows: () => now?.rows || [], total: () => now?.total, stop: () => { now = null; } });
}
