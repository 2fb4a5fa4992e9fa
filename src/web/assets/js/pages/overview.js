// Overview: must something be done now, how much traffic is there, who and what is behind it.
import { h, fill, t, named, icon, badge, block, empty, help, fact, bytes, bitrate, num, when, clock, percent, iso, whenSeen } from '../ui.js';
import { get, on, mayLook } from '../data.js';
import { areaChart, trafficChart, logChart, barList, keyName, isKey } from '../charts.js';

const LEVEL = { problem: 'high', unknown: 'unknown', ok: 'ok' }, ORDER = ['problem', 'unknown', 'ok'];
const TOPS = ['app', 'host', 'peer'], TODOS = 7;
// Security logs from warning upwards: what was merely let through and noted is no news.
const GRAVE = 'toms.log.kind:security -log.level:notice -log.level:information -log.level:debug';

export function show(place, url, { go }) {
	const title = h('h1', { tabindex: -1 }, t('nav.overview')), under = h('p', {}, t('state.loading')), mark = h('span', {});
	const head = h('div', { class: 'headline unknown' }, mark, h('div', {}, title, under));
	// One request serves all blocks that are drawn anew together; full: with the rankings.
	let asked = null, goodAt = 0, full = true;
	const overview = () => (asked ||= get('/api/v1/overview', { top: full ? 8 : null }).then((o) => {
		headline(o, { head, mark, title, under });
		goodAt = Date.now();
		return o;
	}, (problem) => {
		// Nothing that was well a while ago is shown as well now.
		if (goodAt && problem.status !== 401) cannotTell(t('over.cannot', { at: clock(goodAt) }), { head, mark, title });
		throw problem;
	}).finally(() => setTimeout(() => { asked = null; }, 200)));

	// Names of the log sources serve the checks and the chart.
	let asking = null;
	const sources = () => (asking ||= get('/api/v1/sources').finally(() => setTimeout(() => { asking = null; }, 200)));

	const live = { live: true };
	const todo = block(t('over.todos'), async () => todos(await overview(), todo), live);
	const checks = block(t('over.checks'), async () => {
		const [o, from] = await Promise.all([overview(), mayLook() ? sources().catch((problem) => ({ problem })) : null]);
		return [checkList(o), from && sourceList(from)];
	}, live);
	const now = block(t('over.now'), async () => nowFacts(await overview()), live);
	const figure = areaChart();
	const chart = block(t('over.traffic24'), () => trafficChart(figure, { by: 'direction', range: { since: '-24h' },
		onRange: mayLook() ? (from, to) => go(`/traffic?since=${encodeURIComponent(iso(from))}&until=${encodeURIComponent(iso(to))}`) : null }));
	const lines = areaChart(), toLogs = (q) => `/logs?${new URLSearchParams({ since: '-24h', q })}`;
	const logs = mayLook() ? [
		block(t('over.lines'), async () => {
			const all = (await sources().catch(() => null))?.items || [], called = (s) => s.name || s.serial || s.address;
			const from = new Map(all.map((s) => [String(s.id), all.some((x) => x !== s && called(x) === called(s)) ? `${called(s)} (${s.address})` : called(s)]));
			return logChart(lines, { by: 'source', range: { since: '-24h' }, minutes: true, height: 180, none: empty(t('over.nolines'), h('a', { href: '/system#sources' }, t('logs.nolines.go'))),
				name: (key) => key === 'other' ? t('chart.other') : from.get(key) || (key === '0' ? t('over.nosource') : t('over.source', { n: key })),
				onRange: (a, b) => go(`/logs?since=${encodeURIComponent(iso(a))}&until=${encodeURIComponent(iso(b))}`) });
		}, { class: 'half' }),
		block(t('over.security'), async () => events((await get('/api/v1/logs', { q: GRAVE, since: '-24h', limit: 5, total: 'false' })), toLogs(GRAVE)), { ...live, class: 'half' }),
	] : [];
	const tops = (mayLook() ? TOPS : ['app']).map((by) =>
		block(t(`top.${by}`), async () => ranking(by, await overview()), live));

	fill(place, head, help('overview'), h('div', { class: 'grid' },
		h('div', { class: 'two-thirds stack' }, todo, now, chart), h('div', { class: 'third stack' }, checks, tops[0]),
		tops.slice(1).map((top) => h('div', { class: 'half' }, top)), logs.map(whenSeen)));
	todo.hidden = true; // shown when there is something to do
	const small = [todo, checks, now];
	const all = () => {
		full = true;
		[...small, ...tops, chart, ...logs.filter((b) => !b.classList.contains('unseen'))].forEach((b) => b.refresh());
	};
	all();

	// The rate comes with its event, once a second; sums every 5 to 15 s, rankings and chart every 30 s.
	let quick = Date.now(), slow = quick;
	const offRate = on('rate', (r) => RATES.forEach((name) => {
		const el = now.querySelector(`[data-rate="${name}"]`);
		if (el) el.textContent = rateText(r, name);
	}));
	const off = on(['flows', 'status', 'rate', 'poll', 'reset'], (data, topic) => {
		if (topic === 'reset' || Date.now() - slow > 30000) { slow = quick = Date.now(); return all(); }
		if (Date.now() - quick < (topic === 'rate' ? 15000 : 5000)) return;
		quick = Date.now();
		full = false;
		small.forEach((b) => b.refresh());
	});
	addEventListener('signed-in', all);
	return () => { off(); offRate(); removeEventListener('signed-in', all); };
}

const count = (o, state) => o.checks.filter((c) => c.state === state).length;
const byNeed = (o) => [...o.checks].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
const checkName = (c) => named('check', c.id);
// Its text without the name, where the text begins with it.
const checkText = (c) => c.text?.startsWith(checkName(c)) ? c.text.slice(checkName(c).length).trim() : c.text;

function cannotTell(text, { head, mark, title }) {
	head.className = 'headline unknown';
	fill(mark, icon('unknown'));
	title.textContent = text;
}
function headline(o, { head, mark, title, under }) {
	const bad = count(o, 'problem'), unknown = count(o, 'unknown'), at = clock(o.as_of), level = bad ? 'high' : unknown ? 'unknown' : 'ok';
	const names = o.checks.filter((c) => c.state === 'unknown').map(checkName).join(t('list.comma'));
	head.className = `headline ${level}`;
	if (!mark.firstChild?.matches(`.icon-${level}`)) fill(mark, icon(level));
	const text = t(bad ? 'over.todo' : unknown ? 'over.someunknown' : 'over.nothing', { n: bad || unknown || o.checks.length, at });
	if (title.textContent !== text) title.textContent = text;
	under.textContent = t('over.counted', { n: o.checks.length, ok: count(o, 'ok'), bad, unknown, at })
		+ (names && ` ${t('over.unknown', { names })}`);
}

function todos(o, card) {
	const open = byNeed(o).filter((c) => c.state !== 'ok');
	card.hidden = !open.length;
	return [h('ol', { class: 'todos' }, open.slice(0, TODOS).map((c) => h('li', {}, badge(LEVEL[c.state], t(`check.state.${c.state}`)),
		h('div', {}, h('strong', {}, checkName(c)), h('div', {}, c.text),
			c.next && h('div', { class: 'next' }, icon('right'), t('over.next'), c.next),
			c.since && h('div', { class: 'small' }, t('over.since', { at: when(c.since) }))),
		mayLook() && h('a', { class: 'button', href: WAYS[c.id] || '/system' }, t('over.look'))))),
	open.length > TODOS && h('p', { class: 'small' }, t('over.more', { n: open.length - TODOS }))];
}
const checkList = (o) => h('ul', { class: 'checks' }, byNeed(o).map((c) =>
	h('li', { class: `is-${LEVEL[c.state]}` }, icon(LEVEL[c.state]),
		h('div', {}, h('span', { class: 'reader-only' }, t(`check.state.${c.state}`), ' '),
		h('strong', {}, checkName(c)), ' ', h('span', { class: 'small' }, checkText(c))))));

// Log sources beside the checks: new ones first, since somebody has to say yes or no.
function sourceList({ items, problem }) {
	if (problem) return problem.status === 404 ? null : h('p', { class: 'small' }, icon('unknown'), ' ', t('over.sources.unknown'));
	const known = items.filter((s) => s.state === 'accepted'), fresh = items.filter((s) => s.state === 'new');
	if (!known.length && !fresh.length) return null;
	const row = (level, name, text) => h('li', { class: `is-${level}` }, icon(level), h('div', {}, h('strong', {}, name), ' ', h('span', { class: 'small' }, text)));
	return [h('h3', {}, t('sources.title')), h('ul', { class: 'checks' },
		fresh.length > 0 && h('li', { class: 'is-unknown' }, icon('unknown'), h('div', {}, h('strong', {}, t('over.sources.new', { n: num(fresh.length) })), ' ', h('a', { href: '/system#sources' }, t('over.sources.accept')))),
		known.filter((s) => s.silent).map((s) => row('high', s.name || s.serial || s.address, t('over.sources.silent', { at: when(s.silent_since || s.last_seen) }))),
		known.filter((s) => !s.silent).slice(0, 6).map((s) => row('ok', s.name || s.serial || s.address, t('chart.perminute', { n: num(s.lines_per_minute ?? 0) }))))];
}
// The newest security events of a day, each a way to its log.
function events(a, all) {
	const at = (r, path) => path.split('.').reduce((o, key) => o?.[key], r);
	if (!a.items.length) return [empty(t(a.complete === false ? 'flows.notyet' : 'over.noevents')), h('p', {}, h('a', { href: all }, t('over.events')))];
	return [h('ul', { class: 'events' }, a.items.map((r) => {
		const act = at(r, 'event.action'), from = at(r, 'source.ip'), to = at(r, 'destination.domain') || at(r, 'destination.ip');
		return h('li', {}, h('a', { href: `${all}&row=${encodeURIComponent(r.event.id)}` }, when(r['@timestamp'], true)), ' ',
			act && badge(/^(pass|detect|monitor|allow)/.test(act) ? 'medium' : 'low', named('act', act)), ' ',
			h('strong', { class: 'wrap' }, at(r, 'toms.log.threat') || r.message || at(r, 'fortinet.firewall.subtype') || t('kind.security')),
			from && h('div', { class: 'small wrap' }, `${at(r, 'user.name') ? `${at(r, 'user.name')} ` : ''}${from} → ${to || '—'}`));
	})), h('p', {}, h('a', { href: all }, t('over.events')))];
}

// Where a check is explained.
const WAYS = { logs: '/system#sources', sources: '/system#sources', syslog: '/system#sources',
	archive: '/archive', s3: '/archive#places', rescue: '/archive#rescue' };
const RATES = ['bps', 'pps', 'fps'];
const rateText = (r, name) => !r ? '—' : name === 'bps' ? bitrate(r.bits_per_s) : num(name === 'pps' ? r.packets_per_s : r.flows_per_s);
function nowFacts(o) {
	const lost = o.lost, dropped = lost ? lost.kernel_drops + lost.nic_drops + lost.own_drops : 0;
	const list = h('dl', { class: 'facts four' }, RATES.map((name) =>
		h('div', {}, h('dt', {}, t(`over.${name}`)), h('dd', { 'data-rate': name }, rateText(o.rate, name)))), h('div', { class: 'turn' }),
		fact(t('over.bytes'), o.totals && bytes(o.totals.bytes)), fact(t('over.flows'), o.totals && num(o.totals.flows)),
		fact(t('over.lost'), lost ? percent(lost.ratio) : t('level.unknown'), dropped > 0 && t('over.packets', { n: num(dropped) })),
		fact(t('over.watched'), lost ? percent(lost.minutes_watched / lost.minutes) : t('level.unknown')));
	return [list, h('p', { class: 'coverage' }, t('over.asof', { at: when(o.as_of, true) }), !o.complete && ` · ${t('over.incomplete')}`)];
}

function ranking(by, o) {
	const items = o.top?.[by]?.items;
	if (!items) return h('p', { class: 'empty' }, t('over.incomplete'));
	if (!items.length) return empty(t('over.none'));
	return barList(items.map((i) => ({ label: keyName(by, i.key), value: i.bytes, share: i.share,
		href: mayLook() && isKey(i.key) ? `/traffic?q=${encodeURIComponent(`${by}:${i.key}`)}` : null })),
	bytes, t('top.sentence', { what: t(`top.${by}`), name: keyName(by, items[0].key), value: bytes(items[0].bytes) }));
}
