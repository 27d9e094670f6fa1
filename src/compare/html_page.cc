#include "compare/html_page.h"

#include <fmt/format.h>

#include <cctype>

#include "compare/markup.h"

namespace lq {
namespace {

constexpr std::string_view kStyle =
    "body{font:15px/1.45 sans-serif;margin:2em auto;max-width:60em;padding:0 1em;color:#222;background:#fff}"
    "table{border-collapse:collapse;margin:.7em 0}td,th{padding:.15em .8em;border-bottom:1px solid #ddd;"
    "text-align:right}td:first-child,th:first-child{text-align:left}h2{margin-top:2em;border-bottom:2px "
    "solid "
    "#444}svg,img{max-width:100%}summary{cursor:pointer}";

void add_row(const std::vector<std::string>& cells, std::string_view tag, std::string& out) {
  out += "<tr>";
  for (const std::string& cell : cells) out += fmt::format("<{0}>{1}</{0}>", tag, html_text(cell));
  out += "</tr>\n";
}

}  // namespace

void HtmlPage::heading(std::string_view text) { body_ += fmt::format("<h2>{}</h2>\n", html_text(text)); }

void HtmlPage::paragraph(std::string_view text) { body_ += fmt::format("<p>{}</p>\n", html_text(text)); }

void HtmlPage::facts(const std::vector<std::pair<std::string, std::string>>& rows) {
  body_ += "<table>\n";
  for (const auto& [name, value] : rows) add_row({name, value}, "td", body_);
  body_ += "</table>\n";
}

void HtmlPage::table(const TextTable& table, std::string_view folded) {
  if (!folded.empty()) body_ += fmt::format("<details><summary>{}</summary>\n", html_text(folded));
  body_ += "<table>\n";
  add_row(table.header, "th", body_);
  for (const auto& row : table.rows) add_row(row, "td", body_);
  body_ += "</table>\n";
  if (!folded.empty()) body_ += "</details>\n";
}

void HtmlPage::drawing(std::string_view svg) { body_.append(svg).append("\n"); }

void HtmlPage::picture(std::string_view svg, std::string_view says) {
  std::string coded;
  for (const char c : svg) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0)
      coded += c;
    else
      coded += fmt::format("%{:02X}", byte);
  }
  body_ += fmt::format("<img alt=\"{}\" src=\"data:image/svg+xml,{}\">\n", html_text(says), coded);
}

std::string HtmlPage::text() const {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
      "charset=\"utf-8\"><title>{0}</title>\n<style>{1}</style>"
      "</head>\n<body><h1>{0}</h1>\n{2}</body></html>\n",
      html_text(title_), kStyle, body_);
}

}  // namespace lq
