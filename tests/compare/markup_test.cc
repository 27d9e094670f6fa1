#include "compare/markup.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

TEST(Markup, TextIsNoMark) {
  EXPECT_EQ(html_text("a<b> & \"c\" 'd'\x01\n"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
  EXPECT_EQ(html_text("\u00e9\u4e2d"), "\u00e9\u4e2d");
  EXPECT_EQ(html_text(""), "");
}

}  // namespace
}  // namespace lq
