// What pages of rows share: the time range, the search box and its words as chips, values with the menu of what can
// be done with them, and the table: sortable heads, pages by cursor, rows and values by keyboard.
import { h, fill, t, icon, iconButton, copy, when, num, iso, hasWord } from './ui.js';
import { gapText, gapList } from './charts.js';

export const pick = (row, path) => path.split('.').reduce((at, key) => at?.[key], row);
export const idOf = (row) => row.event?.id || row.id;

// Words of the search box; quotes keep spaces together.
export const split = (text) => (text || '').match(/(?:[^\s"]+|"(?:\\.|[^"\\])*"?)+/g) || [];
export const quoted = (text) => /[\s":]/.test(text) && !/^[0-9a-f:.]+$/i.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;

// Words that mean the same to conversations and to logs.
const COMMON = /^-?((host|peer|port|proto|action|text|ip|mac|(source|destination)\.(ip|mac|port|bytes|packets)|event\.duration)[:<>=!]|[^:<>=!]*$)/;
export const common = (words) => words.filter((w) => COMMON.test(w));

export function searchBox(q, setParams, { label, hint, words, tools }) {
	const box = h('input', { type: 'search', name: 'words', value: q.get('q') || '', 'aria-label': label,
		placeholder: hint, list: 'query-words', spellcheck: 'false', autocomplete: 'off' });
	return h('form', { class: 'query', role: 'search', 'aria-label': label, onsubmit: (ev) => {
		ev.preventDefault();
		setParams({ q: box.value.trim(), cursor: null, row: null });
	} }, box, h('datalist', { id: 'query-words' }, words.map((w) => h('option', { value: w }))),
	h('button', { type: 'submit', class: 'primary' }, t('do.search')), tools);
}

// shown: those of words that have no other place on the page.
export function chips(words, setParams, shown = words) {
	const set = (next) => setParams({ q: next.join(' '), cursor: null, row: null });
	return h('ul', { class: 'chips', 'aria-label': t('traffic.filters') }, shown.map((word) => {
		const not = word.startsWith('-'), bare = not ? word.slice(1) : word;
		return h('li', { class: `chip${not ? ' not' : ''}` }, h('span', {}, not && h('span', { class: 'chip-not' }, t('chip.not')), bare),
			iconButton('not', t('chip.invert', { word: bare }), () => set(words.map((w) => w === word ? (not ? bare : `-${word}`) : w))),
			iconButton('close', t('chip.remove', { word: bare }), () => set(words.filter((w) => w !== word))));
	}), shown.length > 1 && h('li', {}, h('button', { type: 'button', class: 'quiet',
		onclick: () => set(words.filter((w) => !shown.includes(w))) }, t('chip.clear'))));
}

// Any value that can be filtered by: a button that offers what can be done with it.
let menu = null, menuOf = null;
export function value(key, filter, shown = filter) {
	return h('button', { type: 'button', class: 'value', tabindex: -1, 'aria-haspopup': 'menu', 'data-key': key, onclick: (ev) => {
		ev.stopPropagation();
		openMenu(ev.currentTarget, key, String(filter));
	} }, shown);
}
function openMenu(anchor, key, filter) {
	closeMenu();
	const say = (how) => () => dispatchEvent(new CustomEvent('filter', { detail: { how, word: `${key}:${quoted(filter)}` } }));
	const acts = { add: say('add'), not: say('not'), only: say('only'), copy: () => copy(filter) };
	menu = h('div', { class: 'value-menu', role: 'menu', 'aria-label': filter, onkeydown: menuKeys },
		h('p', { class: 'small mono' }, filter),
		Object.entries(acts).map(([name, act]) => h('button', { type: 'button', role: 'menuitem',
			onclick: () => { closeMenu(true); act(); } }, t(`value.${name}`))));
	menuOf = anchor;
	const box = anchor.getBoundingClientRect();
	document.body.append(menu);
	menu.style.left = `${Math.max(8, Math.min(box.left, document.documentElement.clientWidth - menu.offsetWidth - 8))}px`;
	menu.style.top = `${box.bottom + menu.offsetHeight > innerHeight ? Math.max(8, box.top - menu.offsetHeight - 2) : box.bottom + 2}px`;
	menu.querySelector('button').focus();
}
function menuKeys(ev) {
	ev.stopPropagation();
	if (ev.key === 'Escape' || ev.key === 'Tab') { ev.preventDefault(); return closeMenu(true); }
	const all = [...menu.querySelectorAll('button')], at = all.indexOf(document.activeElement);
	const step = { ArrowDown: 1, ArrowUp: -1 }[ev.key];
	if (step) { ev.preventDefault(); all[(at + step + all.length) % all.length].focus(); }
}
function closeMenu(back) {
	menu?.remove();
	if (back && menuOf?.isConnected) menuOf.focus();
	menu = menuOf = null;
}
addEventListener('click', (ev) => menu && !menu.contains(ev.target) && closeMenu());
addEventListener('scroll', (ev) => menu && !menu.contains(ev.target) && closeMenu(), { capture: true, passive: true });

// What a menu says goes into the address; the answer ends it.
export function takeFilters(setParams) {
	const take = ({ detail: { how, word } }) => {
		const words = split(new URL(location.href).searchParams.get('q')).filter((w) => w.replace(/^-/, '') !== word);
		const next = how === 'only' ? [word] : [...words, how === 'not' ? `-${word}` : word];
		setParams({ q: next.join(' '), cursor: null, row: null });
	};
	addEventListener('filter', take);
	return () => removeEventListener('filter', take);
}
// What is wrong with a query the appliance says in its own language; here in the reader's, naming the word.
export function explain(problem, q) {
	const said = [problem.detail, ...(problem.errors || []).map((e) => e.detail)].join(' '), words = split(q).map((w) => w.replace(/^-/, ''));
	const word = words.find((w) => said.includes(w)) || words.find((w) => said.includes(w.split(/[:<>=!]/)[0]));
	const list = /no such value; one of ([\w, -]+)/.exec(said)?.[1];
	if (problem.code !== 'invalid_query') throw problem;
	if (said.includes('quotation mark is missing')) problem.detail = t('flows.wrong.quote');
	else if (word) problem.detail = t(said.includes('there is no value') ? 'flows.wrong.empty' : list ? 'flows.wrong.choice'
		: !said.includes('no such field') ? 'flows.wrong.value' : said.includes('a log has') && hasWord(`k.${word.split(':')[0]}`) ? 'flows.wrong.key' : 'flows.wrong', { word, list });
	throw problem;
}

export const countText = (total) => total && t(total.relation === 'gte' ? 'flows.atleast' : 'flows.count', { n: num(total.value) });
export function summary(a, note) {
	const span = a.covered?.since && (!a.complete || !a.items.length)
		&& t('flows.covered', { from: when(a.covered.since), to: when(a.covered.until) });
	const gaps = a.gaps.filter((g) => Date.parse(g.until) - Date.parse(g.since) > 60000
		&& (!a.items.length || g.reason !== 'before_first_record'));
	return h('p', { class: 'coverage' },
		[countText(a.total), note, span, t('over.asof', { at: when(a.as_of, true) }), gapList(gaps.map(gapText))].filter(Boolean).join(' · '),
		a.complete === false && h('strong', {}, ` ${t('flows.incomplete')}`));
}

// columns: { key, cell(row), sort: the API's word, sorts: what the order really is, n: number, rest: not on narrow
// screens }.
export function rowTable({ rows, columns, sort, setParams, keys, style }) {
	const cls = (c) => `c-${c.key}${c.n ? ' n' : ''}${c.rest ? ' rest' : ''}`;
	const head = (c) => {
		if (!c.sort) return h('th', { scope: 'col', class: cls(c) }, t(`col.${c.key}`));
		const up = c.key === 'time' && sort === 'oldest', now = sort === c.sort || up;
		const next = c.key === 'time' ? (sort === 'newest' ? 'oldest' : null) : (now ? null : c.sort);
		return h('th', { scope: 'col', class: cls(c), 'aria-sort': now ? (up ? 'ascending' : 'descending') : 'none', 'data-label': t(`col.${c.key}`) },
			h('button', { type: 'button', title: c.sorts && t(c.sorts), onclick: () => setParams({ sort: next, cursor: null }) }, t(`col.${c.key}`),
				h('span', { class: 'arrow', 'aria-hidden': 'true' }, now ? (up ? '▲' : '▼') : '')));
	};
	return h('div', { class: 'table-place' }, h('table', { class: `cards rows ${style}` }, h('caption', { class: 'reader-only' }, keys),
		h('thead', {}, h('tr', {}, columns.map(head))),
		h('tbody', {}, rows.map((r, i) => h('tr', { tabindex: i ? -1 : 0, 'data-id': idOf(r),
			onclick: () => !getSelection().toString() && setParams({ row: idOf(r) }) },
			columns.map((c) => [c, c.cell(r)]).map(([c, cell]) => h('td', { class: `${cls(c)}${cell === '—' ? ' none' : ''}` }, cell)))))));
}
export const pages = (a, q, setParams) => h('div', { class: 'table-foot' },
	q.get('cursor') && h('button', { type: 'button', onclick: () => setParams({ cursor: null }) }, t('flows.first')),
	a.next && h('button', { type: 'button', onclick: () => setParams({ cursor: a.next }) }, t('flows.next'), ' ', icon('right')));

// Rows that are only in the archive any more: asked for when somebody wants them, in the order of time alone.
const BY_TIME = ['newest', 'oldest'];
export const isCold = (q) => q.get('cold') === '1' && BY_TIME.includes(q.get('sort') || 'newest');
export function coldFoot(a, q, setParams) {
	const { archive } = a, set = (cold) => () => setParams({ cold, cursor: null, row: null });
	if (!BY_TIME.includes(q.get('sort') || 'newest')) return null;
	if (!isCold(q)) return a.next ? null : h('p', { class: 'note cold' }, icon('info'), h('span', {}, t('cold.offer'), ' ',
		h('button', { type: 'button', onclick: set('1') }, t('cold.search'))));
	const said = !archive?.oldest ? t('cold.none') : archive.searched_since
		? t('cold.searched', { from: when(archive.searched_since), to: when(archive.searched_until), n: num(archive.groups_read), passed: num(archive.groups_passed) })
		: t('cold.notyet', { from: when(archive.oldest) });
	return [h('p', { class: 'note cold' }, icon('info'), h('span', {}, said, ' ',
		h('button', { type: 'button', class: 'quiet', onclick: set(null) }, t('cold.without')))),
	archive?.failed && h('p', { class: 'note cold' }, icon('high'), h('span', {}, t('cold.failed', { n: num(archive.groups_failed), why: archive.failed })))];
}

// Rows: arrows or j and k move, Enter opens, right goes to the values of a row and left back to it.
export function rowKeys(ev) {
	const row = ev.target.closest('tr[data-id]');
	if (!row || ev.altKey || ev.ctrlKey || ev.metaKey) return;
	const values = [...row.querySelectorAll('.value')], at = values.indexOf(ev.target);
	const move = { ArrowDown: 'nextElementSibling', j: 'nextElementSibling',
		ArrowUp: 'previousElementSibling', k: 'previousElementSibling' }[ev.key];
	const to = move ? row[move] : ev.key === 'ArrowRight' ? values[at + 1] : ev.key === 'ArrowLeft' && at >= 0 ? values[at - 1] || row : null;
	if (ev.key === 'Enter' && ev.target === row) { ev.preventDefault(); return row.click(); }
	if (!to && ev.key !== 'ArrowDown' && ev.key !== 'ArrowUp') return;
	ev.preventDefault();
	if (!to) return;
	if (move) { row.tabIndex = -1; to.tabIndex = 0; }
	to.focus();
}

// The drawer comes with the first row that is opened.
let drawer = null;
export async function openRow(id, rows, setParams, kind) {
	const [shell, one] = await Promise.all([import('./drawer.js'), import(`./one-${kind}.js`)]);
	drawer = shell;
	if (new URL(location.href).searchParams.get('row') === id) shell.openDrawer(id, rows, setParams, one);
}
export const closeRow = () => drawer?.closeDrawer();

// The time range: presets, typed input, one range back and forward. The address holds it as since and until, in the
// same words that tomsctl and the API take. A range is [since, until), shown in Japan's time.
const MIN = 60000, HOUR = 60 * MIN, DAY = 24 * HOUR, ZONE = 9 * HOUR;
const UNITS = { s: 1000, m: MIN, h: HOUR, d: DAY, w: 7 * DAY };
const RELATIVE = ['-15m', '-1h', '-24h', '-7d', '-30d'];
const CALENDAR = ['today', 'yesterday', 'week', 'month', 'lastmonth', 'year', 'lastyear'];

const midnight = (ms) => Math.floor((ms + ZONE) / DAY) * DAY - ZONE; // of Japan
const japan = (y, m, d) => Date.UTC(y, m, d) - ZONE;

function calendar(name, now) {
	const d = new Date(now + ZONE), y = d.getUTCFullYear(), m = d.getUTCMonth(), today = midnight(now);
	const fiscal = m >= 3 ? y : y - 1; // from April
	switch (name) {
	case 'today': return [today, now];
	case 'yesterday': return [today - DAY, today];
	case 'week': return [today - (d.getUTCDay() + 6) % 7 * DAY, now];
	case 'month': return [japan(y, m, 1), now];
	case 'lastmonth': return [japan(y, m - 1, 1), japan(y, m, 1)];
	case 'year': return [japan(fiscal, 3, 1), now];
	default: return [japan(fiscal - 1, 3, 1), japan(fiscal, 3, 1)];
	}
}

// { since, until } as the API takes them, from and to in ms; open: the range ends now and moves.
export function readRange(url, def = '-24h') {
	const since = url.searchParams.get('since') || def, until = url.searchParams.get('until') || '', now = Date.now();
	const ms = (text) => {
		const m = /^-(\d+)([smhdw])$/.exec(text);
		return m ? now - m[1] * UNITS[m[2]] : Date.parse(text);
	};
	const to = until ? ms(until) : now, from = ms(since);
	return from < to ? { since, until, from, to, open: !until } : { since: def, until: '', from: now - DAY, to: now, open: true };
}

// "2026-11-22 14:05", "11/22 14:05", "14:05", "-2h" as people type them, full-width digits too; ms or NaN.
export function typed(text, now = Date.now()) {
	text = text.normalize('NFKC').trim().replace('T', ' ');
	const relative = /^-(\d+)\s?([mhdw])$/.exec(text);
	if (relative) return now - relative[1] * UNITS[relative[2]];
	const m = /^(?:(?:(\d{4})[-/])?(\d{1,2})[-/](\d{1,2}))?\s*(?:(\d{1,2}):(\d{2}))?$/.exec(text);
	if (!m || !text) return NaN;
	const d = new Date(now + ZONE);
	const day = japan(m[1] ? +m[1] : d.getUTCFullYear(), m[2] ? m[2] - 1 : d.getUTCMonth(), m[3] ? +m[3] : d.getUTCDate());
	return day + (m[4] ? m[4] * HOUR + m[5] * MIN : 0);
}

export function rangeControl(range, setParams) {
	const set = (from, to) => setParams({ since: iso(from), until: iso(to), cursor: null });
	const span = range.to - range.from;
	const preset = RELATIVE.includes(range.since) && range.open ? range.since : 'custom';
	const field = (id, ms) => h('input', { id, size: 16, value: when(ms),
		'aria-label': t(id), 'aria-describedby': 'range-error', autocomplete: 'off' });
	const from = field('range.from', range.from), to = field('range.to', range.to);
	const error = h('p', { class: 'field-error', id: 'range-error', role: 'alert' });
	const choose = (ev) => {
		const value = ev.target.value;
		if (RELATIVE.includes(value)) return setParams({ since: value, until: null, cursor: null });
		if (CALENDAR.includes(value)) return set(...calendar(value, Date.now()));
		from.focus();
		from.select();
	};
	return h('form', { class: 'range', 'aria-label': t('range.title'), onsubmit: (ev) => {
		ev.preventDefault();
		const a = typed(from.value), b = typed(to.value), good = a < b;
		for (const [el, ms] of [[from, a], [to, b]]) el.setAttribute('aria-invalid', String(Number.isNaN(ms) || (!good && a >= b)));
		fill(error, good ? null : t(a >= b ? 'range.order' : 'range.format'));
		if (good) set(a, b);
	} },
	h('select', { 'aria-label': t('range.title'), onchange: choose },
		[...RELATIVE, ...CALENDAR, 'custom'].map((p) => h('option', { value: p, selected: p === preset }, t(`range.${p}`)))),
	iconButton('left', t('range.back'), () => set(range.from - span, range.from)),
	iconButton('right', t('range.next'), () => set(range.to, range.to + span), { disabled: range.to + MIN > Date.now() }),
	from, h('span', { 'aria-hidden': 'true' }, '–'), to,
	h('span', { class: 'small' }, 'JST'), h('button', { type: 'submit' }, t('range.use')), error);
}
