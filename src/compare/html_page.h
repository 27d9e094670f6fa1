// One HTML page that needs nothing beside it: headings, tables, plots.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compare/text_table.h"

namespace lq {

// Grows part by part. What is added as text is escaped.
class HtmlPage {
 public:
  explicit HtmlPage(std::string title) : title_(std::move(title)) {}

  void heading(std::string_view text);
  void paragraph(std::string_view text);
  // Two columns: what it is, and its value.
  void facts(const std::vector<std::pair<std::string, std::string>>& rows);
  // The first column to the left, the others to the right. `folded`: behind a line to click on; empty: open.
  void table(const TextTable& table, std::string_view folded = {});
  // A picture made here: an <svg> element whose texts are escaped already.
  void drawing(std::string_view svg);
  // A picture that somebody else made, shown as an image: what scripts it may hold do not run.
  void picture(std::string_view svg, std::string_view says);

  std::string text() const;

 private:
  std::string title_, body_;
};

}  // namespace lq
