/*
 * schema_html.c - one page of HTML with everything in it: no other file, no network, readable without scripts, light
 * and dark. A field filters by what stands anywhere in an entry.
 */
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "cli/schema_docs.h"

static const char style[] =
	":root{--bg:#fff;--fg:#1c2128;--dim:#5b6570;--line:#dfe3e8;--soft:#f5f7f9;--code:#20415f;--link:#0b5cad;"
	"--mark:#0b5cad}\n"
	"@media (prefers-color-scheme:dark){:root:not([data-theme=light]){--bg:#14181d;--fg:#dde3ea;--dim:#93a0ad;"
	"--line:#2b323a;--soft:#1b2127;--code:#a9cdf0;--link:#7db8f5;--mark:#7db8f5}}\n"
	":root[data-theme=dark]{--bg:#14181d;--fg:#dde3ea;--dim:#93a0ad;--line:#2b323a;--soft:#1b2127;--code:#a9cdf0;"
	"--link:#7db8f5;--mark:#7db8f5}\n"
	"*{box-sizing:border-box}\n"
	"html{scroll-padding-top:1rem}\n"
	"body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;display:flex}\n"
	"nav{position:sticky;top:0;height:100vh;width:19rem;flex:none;overflow-y:auto;padding:1rem;"
	"border-right:1px solid var(--line);background:var(--soft)}\n"
	"nav h1{font-size:1.05rem;margin:0 0 .6rem;display:flex;justify-content:space-between;align-items:center}\n"
	"nav h2{font-size:.72rem;letter-spacing:.06em;text-transform:uppercase;color:var(--dim);margin:1.1rem 0 "
	".3rem}\n"
	"nav ul{list-style:none;margin:0;padding:0}\n"
	"nav li{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}\n"
	"nav a{display:block;padding:.08rem .4rem;border-radius:4px;color:inherit;text-decoration:none;font-size:.9rem;"
	"overflow:hidden;text-overflow:ellipsis}\n"
	"nav a:hover,nav a:focus{background:var(--line)}\n"
	"input{width:100%;font:inherit;padding:.35rem .55rem;border:1px solid var(--line);border-radius:6px;"
	"background:var(--bg);color:inherit}\n"
	"button{font:inherit;font-size:.8rem;border:1px solid var(--line);border-radius:6px;background:var(--bg);"
	"color:var(--dim);cursor:pointer;padding:.05rem .5rem}\n"
	"main{flex:1;min-width:0;padding:1.2rem 2rem 40vh;max-width:90rem}\n"
	"article{margin:0 0 3rem;border-top:1px solid var(--line);padding-top:1.1rem}\n"
	"article:first-of-type{border:0;padding-top:0}\n"
	"article:target>h2{border-left:4px solid var(--mark);padding-left:.5rem}\n"
	"h2{font-size:1.3rem;margin:0;overflow-wrap:anywhere}\n"
	"h2 small{font-size:.8rem;font-weight:400;color:var(--dim);margin-left:.6rem}\n"
	"h3{font-size:.95rem;margin:1.3rem 0 .35rem}\n"
	"p{margin:.4rem 0;max-width:60rem;white-space:pre-line}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.6rem 0}\n"
	"dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}\n"
	".scroll{overflow-x:auto}\n"
	"table{border-collapse:collapse;font-size:.88rem}\n"
	"th{text-align:left;font-weight:600;color:var(--dim);white-space:nowrap}\n"
	"th,td{padding:.25rem 1.4rem .25rem 0;max-width:34rem;border-bottom:1px solid var(--line);vertical-align:top}\n"
	"td:first-child{white-space:nowrap}\n"
	"tbody tr:hover{background:var(--soft)}\n"
	"td{white-space:pre-line}td code{white-space:pre-wrap}\n"
	"code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans "
	"Mono\",monospace;font-size:.86em;"
	"color:var(--code)}\n"
	"pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.7rem "
	".9rem;overflow-x:auto}\n"
	"a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}a code{color:inherit}\n"
	"[hidden]{display:none}\n"
	"@media (max-width:50rem){body{display:block}nav{position:static;width:auto;height:auto;max-height:45vh}"
	"main{padding:1rem}}\n"
	"@media print{nav{display:none}}\n";

static const char script[] =
	"const field=document.getElementById('find'),none=document.getElementById('none');\n"
	"const entries=[...document.querySelectorAll('article')].map(a=>({a,text:a.textContent.toLowerCase(),\n"
	"  li:document.querySelector('nav a[href=\"#'+CSS.escape(a.id)+'\"]').parentNode}));\n"
	"function filter(){\n"
	"  const words=field.value.toLowerCase().split(/\\s+/).filter(Boolean);let left=0;\n"
	"  for(const e of entries){const on=words.every(w=>e.text.includes(w));left+=on;e.a.hidden=e.li.hidden=!on}\n"
	"  for(const s of document.querySelectorAll('nav section'))s.hidden=!s.querySelector('li:not([hidden])');\n"
	"  none.hidden=left>0}\n"
	"field.addEventListener('input',filter);\n"
	"document.addEventListener('keydown',e=>{\n"
	"  if(e.key==='/'&&document.activeElement!==field){e.preventDefault();field.focus();field.select()}\n"
	"  if(e.key==='Escape'){field.value='';filter();field.blur()}});\n"
	"document.querySelector('main').addEventListener('click',e=>{\n"
	"  if(e.target.closest('a')&&field.value){field.value='';filter()}});\n"
	"const root=document.documentElement,key='holdfast-schema-theme';\n"
	"try{const kept=localStorage.getItem(key);if(kept)root.dataset.theme=kept}catch(e){}\n"
	"document.getElementById('theme').addEventListener('click',()=>{\n"
	"  const "
	"dark=root.dataset.theme?root.dataset.theme==='dark':matchMedia('(prefers-color-scheme:dark)').matches;\n"
	"  root.dataset.theme=dark?'light':'dark';try{localStorage.setItem(key,root.dataset.theme)}catch(e){}});\n"
	"for(const e of document.querySelectorAll('.scripted'))e.hidden=false;\n"
	"filter();\n";

static void html_text(struct buf *buf, struct hf_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '<' || c == '>' || c == '&' || c == '"')
			buf_printf(buf, "&#%d;", c);
		else if ((unsigned char)c >= ' ' || c == '\n' || c == '\t')
			buf_add_char(buf, c);
	}
}

static void html_id(struct buf *buf, const struct hf_schema_object *object)
{
	if (object->schema.len) {
		docs_add_plain(buf, object->schema, '=');
		buf_add_char(buf, '.');
	} else {
		buf_printf(buf, "%s:", hf_schema_kind_word(object->kind));
	}
	docs_add_plain(buf, object->name, '=');
}

static void html_cell(struct buf *buf, const struct page_cell *cell)
{
	if (cell->text.len == 0)
		return;
	if (cell->link) {
		buf_add_text(buf, "<a href=\"#");
		html_id(buf, cell->link);
		buf_add_text(buf, "\">");
	}
	buf_add_text(buf, cell->code ? "<code>" : "");
	html_text(buf, cell->text);
	buf_add_text(buf, cell->code ? "</code>" : "");
	buf_add_text(buf, cell->link ? "</a>" : "");
}

static void html_section(struct buf *buf, const struct page_section *section)
{
	bool left_out[PAGE_COLUMNS_MAX];
	buf_printf(buf, "<h3>%s</h3>\n<div class=\"scroll\"><table><thead><tr>", section->title);
	for (size_t c = 0; c < section->ncolumns; c++) {
		left_out[c] = page_column_is_empty(section, c);
		if (!left_out[c])
			buf_printf(buf, "<th>%s</th>", section->headings[c]);
	}
	buf_add_text(buf, "</tr></thead><tbody>\n");
	for (size_t r = 0; r < section->nrows; r++) {
		buf_add_text(buf, "<tr>");
		for (size_t c = 0; c < section->ncolumns; c++) {
			if (left_out[c])
				continue;
			buf_add_text(buf, "<td>");
			html_cell(buf, &section->cells[r * section->ncolumns + c]);
			buf_add_text(buf, "</td>");
		}
		buf_add_text(buf, "</tr>\n");
	}
	buf_add_text(buf, "</tbody></table></div>\n");
}

static void html_facts(struct buf *buf, const struct page *page)
{
	if (page->nfacts == 0)
		return;
	buf_add_text(buf, "<dl>");
	for (size_t i = 0; i < page->nfacts; i++) {
		buf_printf(buf, "<dt>%s</dt><dd>", page->facts[i].name);
		html_cell(buf, &page->facts[i].value);
		buf_add_text(buf, "</dd>\n");
	}
	buf_add_text(buf, "</dl>\n");
}

static void html_name(struct buf *buf, const struct hf_schema_object *object)
{
	struct buf name;
	buf_init(&name, 65536);
	docs_add_name(&name, object);
	html_text(buf, buf_str(&name));
	buf_deinit(&name);
}

static void html_article(struct docs *docs, struct buf *buf, const struct hf_schema_object *object)
{
	struct page *page = hf_arena_calloc(docs->pages.arena, 1, sizeof(*page));
	if (!page) {
		docs->pages.starved = true;
		return;
	}
	page_make(&docs->pages, object, page);
	buf_add_text(buf, "<article id=\"");
	html_id(buf, object);
	buf_add_text(buf, "\">\n<h2>");
	html_name(buf, object);
	buf_printf(buf, "<small>%s</small></h2>\n", hf_schema_kind_word(object->kind));
	if (page->comment.len) {
		buf_add_text(buf, "<p>");
		html_text(buf, page->comment);
		buf_add_text(buf, "</p>\n");
	}
	html_facts(buf, page);
	for (size_t i = 0; i < page->nsections; i++)
		html_section(buf, &page->sections[i]);
	if (page->definition.ptr) {
		buf_add_text(buf, "<h3>Definition</h3>\n<pre>");
		html_text(buf, page->definition);
		buf_add_text(buf, "</pre>\n");
	}
	buf_add_text(buf, "</article>\n");
}

static void html_list(struct docs *docs, struct buf *buf, const struct doc_group *group)
{
	const struct hf_schema *schema = docs->pages.schema;
	size_t count = 0;
	for (size_t i = 0; i < schema->count; i++) {
		if (!docs_belongs(group, &schema->objects[i]))
			continue;
		if (count++ == 0)
			buf_printf(buf, "<section><h2>%s</h2><ul>\n", group->title);
		buf_add_text(buf, "<li><a href=\"#");
		html_id(buf, &schema->objects[i]);
		buf_add_text(buf, "\">");
		html_name(buf, &schema->objects[i]);
		buf_add_text(buf, "</a></li>\n");
	}
	if (count)
		buf_add_text(buf, "</ul></section>\n");
}

static void html_group(struct docs *docs, struct buf *buf, const struct doc_group *group)
{
	for (size_t i = 0; i < docs->pages.schema->count; i++)
		if (docs_belongs(group, &docs->pages.schema->objects[i]))
			html_article(docs, buf, &docs->pages.schema->objects[i]);
}

void docs_html(struct docs *docs)
{
	struct hf_str title = hf_str_of(docs->title);
	CLEANUP(buf_deinit) struct buf buf;
	buf_init(&buf, SCHEMA_TEXT_BYTES_MAX);
	buf_add_text(&buf, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
	                   "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
	html_text(&buf, title);
	buf_printf(&buf, "</title>\n<style>\n%s</style>\n<nav>\n<h1>", style);
	html_text(&buf, title);
	buf_add_text(&buf, " <button id=\"theme\" class=\"scripted\" hidden>light / dark</button></h1>\n"
	                   "<input id=\"find\" class=\"scripted\" hidden type=\"search\" placeholder=\"find ( / )\" "
	                   "aria-label=\"find\">\n");
	for (const struct doc_group *group = doc_groups; group->title; group++)
		html_list(docs, &buf, group);
	for (const struct doc_group *group = doc_rest; group->title; group++)
		html_list(docs, &buf, group);
	buf_add_text(&buf, "</nav>\n<main>\n<p id=\"none\" hidden>Nothing has all these words.</p>\n");
	for (const struct doc_group *group = doc_groups; group->title; group++)
		html_group(docs, &buf, group);
	for (const struct doc_group *group = doc_rest; group->title; group++)
		html_group(docs, &buf, group);
	buf_printf(&buf, "</main>\n<script>\n%s</script>\n</html>\n", script);
	docs_add(docs, "schema.html", &buf);
}
