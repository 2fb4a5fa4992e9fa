/* How to check an archive by hand, with sha256sum and openssl, for people who have never seen this program: a page to
 * print, and the text that lies in a take. Japanese and English. The commands are those of docs/archive.md, which a
 * test runs. */
#include "proofs.h"

struct step {
	const char *head_ja, *head_en, *text_ja, *text_en;
	const char *commands; /* the same in both; NULL: none */
};

static const struct step steps[] = {
	{ "この証跡について", "What this is",
	  "通信とログの記録は 1 時間ごとにファイル (kind=...) にまとめられ、そのファイルの SHA-256 を並べた目録 (_manifest の .json) に"
	  "電子署名 (.sig) が付けられています。目録は一つ前の目録の SHA-256 を含み、先頭から最後まで鎖のようにつながっています。",
	  "Records of traffic and logs are gathered into files (kind=...) once an hour. A manifest (.json below _manifest) lists these "
	  "files with their SHA-256 and is signed (.sig). Each manifest holds the SHA-256 of the one before it, so that all of them "
	  "form a chain from the first to the last.",
	  NULL },
	{ "1. 公開鍵を確かめる", "1. Make sure of the public key",
	  "鍵の番号は公開鍵の SHA-256 の先頭 16 桁です。導入時に印刷したもの、または月次報告書にあるものと一致することを目で確かめてください。"
	  "証跡と同じ場所にあった公開鍵だけを信じないでください。",
	  "A key's number is the first 16 digits of the SHA-256 of the public key. Compare it by eye with the one that was printed "
	  "when the appliance was set up, or stands in a monthly report. Do not trust a key only because it lies beside the archive.",
	  "openssl pkey -pubin -in public_key.pem -outform DER | tail -c 32 > /tmp/key.raw\n"
	  "sha256sum < /tmp/key.raw | cut -c 1-16\n"
	  "jq -r '.keys[].public_key' $(ls _manifest/*/*.json | tail -n 1) | grep -Fx \"$(base64 < /tmp/key.raw)\"" },
	{ "2. 署名を確かめる", "2. Check the signatures",
	  "目録ごとに、署名が目録の内容と合うことを確かめます。すべて Signature Verified Successfully と出れば合っています。鍵が替わった目録には新旧二つの"
	  "署名があり、古い鍵への信頼が新しい鍵に引き継がれます。",
	  "For each manifest: do its signatures fit its bytes? Every line must say Signature Verified Successfully. A manifest that brings "
	  "a new key bears two signatures, of the old one and the new one, so that trust in one leads to the other.",
	  "keys=\n"
	  "for m in $(ls _manifest/*/*.json | sort); do\n"
	  "  n=$(jq '.keys | length' $m)\n"
	  "  [ \"${keys:-$n}\" = $n ] || [ $(jq '.signatures | length' ${m%.json}.sig) = 2 ] ||\n"
	  "    { echo \"a key came without two signatures: $m\"; false; }\n"
	  "  keys=$n\n"
	  "  jq -r '.signatures[] | .key_id + \" \" + .signature' ${m%.json}.sig > /tmp/signatures\n"
	  "  while read -r id signature; do\n"
	  "    printf '\\060\\052\\060\\005\\006\\003\\053\\145\\160\\003\\041\\000' > /tmp/key.der\n"
	  "    jq -r --arg id $id '.keys[] | select(.id == $id) | .public_key' $m | base64 -d >> /tmp/key.der\n"
	  "    echo $signature | base64 -d > /tmp/signature\n"
	  "    openssl pkeyutl -verify -pubin -keyform DER -inkey /tmp/key.der -rawin -in $m -sigfile /tmp/signature\n"
	  "  done < /tmp/signatures\n"
	  "done" },
	{ "3. 鎖を確かめる", "3. Check the chain",
	  "各目録の previous にある SHA-256 が、一つ前の目録ファイルの SHA-256 と同じであることを確かめます。番号は 1 ずつ増え、抜けはありません。",
	  "The SHA-256 under previous must be that of the manifest before. Numbers rise by one, none is missing.",
	  "before=\n"
	  "for m in $(ls _manifest/*/*.json | sort); do\n"
	  "  told=$(jq -r '.previous.sha256 // empty' \"$m\")\n"
	  "  [ -z \"$before\" ] || [ \"$told\" = \"$before\" ] || { echo \"the chain is broken at $m\"; false; }\n"
	  "  before=$(sha256sum < \"$m\" | cut -d ' ' -f 1)\n"
	  "done" },
	{ "4. ファイルを確かめる", "4. Check the files",
	  "目録にあるすべてのファイルの SHA-256 を計算して比べます。持ち出した一部だけのときは --ignore-missing を付けます。",
	  "Sum every file that the manifests name and compare. Of a part that was taken away, add --ignore-missing.",
	  "cat _manifest/*/*.json | jq -r '.objects[] | .sha256 + \"  \" + .key' | sha256sum --check --quiet" },
	{ "5. 最後の目録を確かめる", "5. Check the head",
	  "末尾が切り取られていないことは、最後の目録の番号と SHA-256 を、外に控えたもの (メール、月次報告書、印刷物) と比べて確かめます。",
	  "That nothing was cut off at the end shows by the number and SHA-256 of the newest manifest: compare them with what was kept "
	  "outside (mail, monthly report, print).",
	  "sha256sum $(ls _manifest/*/*.json | sort | tail -n 1)" },
	{ "すべてを一度に", "All of it at once",
	  "tomsd のある機械なら、次の 1 行で以上と各行の検査 (マークル木) をまとめて行えます。設定もデータベースも要りません。",
	  "Where tomsd is installed, one line does all of this and checks every row (Merkle trees), too. It needs neither configuration "
	  "nor database.",
	  "tomsctl verify --from . --key public_key.pem --rows" },
};

static bool is_english(const char *lang)
{
	return strcmp(lang, "en") == 0;
}

/* ---- As text. ---- */

static void put_indented(struct buf *b, const char *text)
{
	struct str left = str_of(text), line;
	while (str_split(&left, '\n', &line)) {
		buf_cstr(b, "    ");
		buf_str(b, line);
		buf_char(b, '\n');
	}
}

void procedure_text(const char *lang, struct buf *out)
{
	bool en = is_english(lang);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const struct step *s = &steps[i];
		buf_fmt(out, "%s\n\n%s\n", en ? s->head_en : s->head_ja, en ? s->text_en : s->text_ja);
		if (s->commands) {
			buf_char(out, '\n');
			put_indented(out, s->commands);
		}
		buf_char(out, '\n');
	}
}

/* ---- As a page. ---- */

static void put_html(struct buf *b, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			buf_cstr(b, "&lt;");
		else if (*text == '>')
			buf_cstr(b, "&gt;");
		else if (*text == '&')
			buf_cstr(b, "&amp;");
		else
			buf_char(b, *text);
	}
}

static void put_element(struct buf *b, const char *name, const char *text)
{
	buf_fmt(b, "<%s>", name);
	put_html(b, text);
	buf_fmt(b, "</%s>\n", name);
}

static void procedure_html(const char *lang, struct buf *out)
{
	bool en = is_english(lang);
	buf_fmt(out, "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">\n<title>%s</title></head><body>\n",
		en ? "en" : "ja", en ? "Checking the archive by hand" : "証跡を手で検証する手順");
	put_element(out, "h1", en ? "Checking the archive by hand" : "証跡を手で検証する手順");
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const struct step *s = &steps[i];
		put_element(out, "h2", en ? s->head_en : s->head_ja);
		put_element(out, "p", en ? s->text_en : s->text_ja);
		if (s->commands)
			put_element(out, "pre", s->commands);
	}
	buf_cstr(out, "</body></html>\n");
}

static const char *const langs[] = { "ja", "en", NULL };
const struct param procedure_params[] = {
	{ "lang", PARAM_ENUM, 0, 0, langs, "language of the page; the reader's own when absent" },
	PARAM_END,
};

void procedure_get(struct request *rq, struct reply *rp)
{
	const struct param_value *lang = req_param(rq, "lang");
	rp->status = 200;
	rp->type = "text/html; charset=utf-8";
	procedure_html(lang ? langs[lang->number] : rq->lang, &rp->body);
}
