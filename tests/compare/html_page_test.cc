#include "compare/html_page.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

TEST(HtmlPage, TextsAreNoMarks) {
  HtmlPage page("<t>");
  page.heading("h & h");
  page.paragraph("p<script>");
  page.facts({{"key", "<v>"}});
  page.table({{"a", "b"}, {{"1", "<2>"}}}, "fold<");
  page.picture("<svg onload='x'/>", "figure\"");
  const std::string text = page.text();
  EXPECT_EQ(text.find("<script"), std::string::npos);
  EXPECT_EQ(text.find("onload='"), std::string::npos);
  for (const char* part :
       {"<title>&lt;t&gt;</title>", "<h2>h &amp; h</h2>", "<tr><td>key</td><td>&lt;v&gt;</td></tr>",
        "<summary>fold&lt;</summary>", "<tr><th>a</th><th>b</th></tr>", "alt=\"figure&quot;\"",
        "src=\"data:image/svg+xml,%3Csvg%20onload%3D%27x%27%2F%3E\""}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace lq
