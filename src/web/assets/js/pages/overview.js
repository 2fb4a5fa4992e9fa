// Overview: must something be done now, how much traffic, who and what is behind it.
import { h, fill, t, icon, badge, block, empty, bytes, bitrate, num, when, clock, hasWord } from '../ui.js';
import { get, on, live, session } from '../data.js';
import { barList } from '../charts.js';
import { trafficSeries } from '../traffic.js';

const LEVEL = { problem: 'high', unknown: 'unknown', ok: 'ok' };

export function show(place, url, { setParams, go }) {
	const head = h('div', {});
	const checks = block(t('over.checks'), async () => {
		const o = await overview();
		fill(head, headline(o));
		return h('ul', { class: 'checks' }, o.checks.map(checkRow));
	}, { class: 'third' });
	const now = block(t('over.now'), async () => nowFacts(await overview()), { class: 'two-thirds' });
	const chart = block(t('over.traffic'), () => trafficSeries({ since: '-24h', by: 'direction' },
		(from, to) => go(`/traffic?since=${iso(from)}&until=${iso(to)}`)), {});
	const tops = topBlocks();
	const blocks = [checks, now, chart, ...tops];

	let asked = null;
	const overview = () => (asked ||= get('/api/v1/overview').finally(() => setTimeout(() => { asked = null; }, 500)));
	fill(place, h('div', { class: 'page-head' }, h('div', { class: 'grow' }, head)),
		h('details', { class: 'what' }, h('summary', {}, t('help.what')), h('p', {}, t('help.overview'))),
		h('div', { class: 'grid' }, now, checks, chart, tops));
	if (!head.firstChild) fill(head, h('h1', { tabindex: -1 }, t('nav.overview')));
	for (const b of blocks) b.refresh();

	// New numbers at most every 5 s for the small ones, every 30 s for charts.
	let quick = Date.now(), slow = Date.now();
	const offs = ['status', 'flows', 'poll'].map((topic) => on(topic, () => {
		if (Date.now() - quick > 5000) { quick = Date.now(); now.refresh(); checks.refresh(); }
		if (Date.now() - slow > 30000) { slow = Date.now(); chart.refresh(); tops.forEach((b) => b.refresh()); }
	}));
	return () => offs.forEach((off) => off());
}

const iso = (ms) => encodeURIComponent(new Date(ms).toISOString().slice(0, 19) + 'Z');

function headline(o) {
	const count = (state) => o.checks.filter((c) => c.state === state).length;
	const bad = count('problem'), unknown = count('unknown');
	const level = bad ? 'high' : unknown ? 'unknown' : 'ok';
	const names = o.checks.filter((c) => c.state === 'unknown').map((c) => checkName(c)).join(t('list.comma'));
	return h('div', { class: `headline ${level}` }, icon(level), h('div', {},
		h('h1', { tabindex: -1 }, bad ? t('over.todo', { n: bad }) : unknown ? t('over.someunknown', { n: unknown }) : t('over.nothing', { n: o.checks.length, at: clock(o.as_of) })),
		h('p', {}, t('over.counted', { n: o.checks.length, ok: count('ok'), bad, unknown, at: clock(o.as_of) }),
			names && ` ${t('over.unknown', { names })}`)));
}

const checkName = (c) => hasWord(`check.${c.id}`) ? t(`check.${c.id}`) : c.id;
function checkRow(c) {
	return h('li', {}, badge(LEVEL[c.state] || 'unknown', t(`check.state.${c.state}`)),
		h('div', {}, h('strong', {}, checkName(c)), c.text && h('div', { class: 'small' }, c.text),
			c.next && h('div', {}, t('over.next'), c.next),
			c.since && c.state !== 'ok' && h('div', { class: 'small' }, t('over.since', { at: when(c.since) }))));
}

function nowFacts(o) {
	const fact = (word, value) => h('div', {}, h('dt', {}, t(word)), h('dd', {}, value ?? '—'));
	const r = o.rate || {};
	return [h('dl', { class: 'facts' },
		fact('over.bps', r.bits_per_s === undefined ? null : bitrate(r.bits_per_s)),
		fact('over.pps', r.packets_per_s === undefined ? null : num(Math.round(r.packets_per_s))),
		fact('over.fps', r.flows_per_s === undefined ? null : num(r.flows_per_s)),
		fact('over.bytes', o.totals ? bytes(o.totals.bytes) : null),
		fact('over.flows', o.totals ? num(o.totals.flows) : null),
		fact('over.lost', o.lost ? `${(o.lost.ratio * 100).toFixed(o.lost.ratio ? 3 : 0)} %` : t('level.unknown')),
		fact('over.watched', o.lost ? `${Math.floor(o.lost.minutes_watched / o.lost.minutes * 1000) / 10} %` : t('level.unknown'))),
	h('p', { class: 'coverage' }, t('over.asof', { at: when(o.as_of, true) }), live.state === 'stopped' ? ` ${t('live.stopped', { at: when(live.at) })}` : '')];
}

const MAY_LOOK = ['operator', 'auditor', 'admin'];
function topBlocks() {
	const kinds = MAY_LOOK.includes(session.role) ? ['app', 'host', 'peer'] : ['app'];
	return kinds.map((by) => block(t(`top.${by}`), async () => {
		const { items } = await get('/api/v1/traffic/top', { by, since: '-24h', limit: 8 });
		if (!items.length) return empty(t('over.empty'));
		return barList(items.map((i) => ({ label: i.key === 'other' ? t('chart.other') : i.key || t('level.unknown'), value: i.bytes,
			href: i.key && i.key !== 'other' ? `/traffic?q=${encodeURIComponent(`${by}:${i.key}`)}` : null })),
		bytes, t('top.sentence', { what: t(`top.${by}`), name: items[0].key, value: bytes(items[0].bytes) }));
	}, { class: 'third' }));
}
