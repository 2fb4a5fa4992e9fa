// What a log row says in few words: its kind, what was done, what it is about, and marks of doubt.
import { h, t, named, badge } from './ui.js';
import { pick } from './list.js';

export const KINDS = ['traffic', 'security', 'vpn', 'admin', 'system', 'device'];
export const kindText = (r) => named('kind', pick(r, 'toms.log.kind') || 'unknown');

// What was stopped stands out; what was let through does not.
const STOPPED = /^(deny|denied|block|blocked|drop|dropped|reset|reset_|quarantine|quarantined|clear_session|server-rst-deny|banned)/;
export function actionOf(r, wrap = (a, shown) => shown) {
	const act = pick(r, 'event.action'), outcome = pick(r, 'event.outcome');
	if (!act && !outcome) return '—';
	const shown = act ? named('act', act) : named('outcome', outcome);
	return STOPPED.test(act || '') ? badge('high', act ? wrap(act, shown) : shown)
		: outcome === 'failure' ? [act && wrap(act, shown), badge('medium', t('outcome.failure'))] : act ? wrap(act, shown) : shown;
}

const MOST = 200; // signs; the drawer has them all
const cut = (text) => text && text.length > MOST ? `${text.slice(0, MOST)}…` : text;
const joined = (list) => list.filter(Boolean).join(' · ');
export function whatOf(r) {
	const fgt = pick(r, 'fortinet.firewall') || {}, kind = pick(r, 'toms.log.kind'), said = r.message || fgt.msg || fgt.logdesc;
	const app = pick(r, 'network.application'), service = pick(r, 'network.protocol'), rule = pick(r, 'rule.name') || pick(r, 'rule.id');
	const threat = pick(r, 'toms.log.threat'), url = pick(r, 'url.original') || pick(r, 'url.full') || pick(r, 'url.domain');
	const text = kind === 'traffic' ? joined([app && app !== service ? app : null, service, rule && t('log.rule', { name: rule }), pick(r, 'toms.log.country'), threat])
		: kind === 'security' ? joined([threat, said !== threat && said, !threat && url, app])
			: kind === 'device' ? joined([pick(r, 'process.name'), said]) : joined([fgt.logdesc !== said && fgt.logdesc, said]);
	return cut(text || pick(r, 'event.original') || '');
}

// Why a row may not be what it seems: [level, word].
export function marksOf(r) {
	const log = pick(r, 'toms.log') || {}, out = [];
	if (log.trust === 'impostor') out.push(['high', 'trust.impostor']);
	else if (log.trust && log.trust !== 'accepted') out.push(['unknown', `trust.${log.trust}`]);
	if (log.problem) out.push(['medium', `problem.${log.problem}`]);
	for (const flag of log.flags || []) out.push([flag === 'test' ? 'low' : 'medium', `flag.${flag}`]);
	return out;
}
// Beside a row only what makes it doubtful; that a line tells no zone is as usual as it is harmless.
export const marks = (r) => marksOf(r).filter(([, word]) => word !== 'flag.no_zone' && word !== 'flag.no_time').map(([level, word]) => badge(level, t(word)));

export function briefly(r) {
	const from = pick(r, 'source.ip'), to = pick(r, 'destination.domain') || pick(r, 'destination.ip');
	return h('span', { class: 'wrap' }, joined([kindText(r), pick(r, 'event.action') && named('act', pick(r, 'event.action')),
		from && to && `${from} → ${to}`, whatOf(r)]));
}
