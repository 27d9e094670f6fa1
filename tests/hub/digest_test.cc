#include "hub/digest.h"

#include <gtest/gtest.h>

namespace lq::hub {
namespace {

std::string digest(DigestKind kind, std::string_view text, std::size_t step = 1000) {
  Digest d(kind);
  for (std::size_t at = 0; at < text.size(); at += step) d.update(text.substr(at, step));
  return d.hex();
}

// The examples of FIPS 180-4.
TEST(Digest, IsWhatTheStandardSays) {
  EXPECT_EQ(digest(DigestKind::kSha1, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(digest(DigestKind::kSha1, ""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(digest(DigestKind::kSha256, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest(DigestKind::kSha256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest(DigestKind::kSha256, std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Digest, PiecesOfAnySizeMakeTheSame) {
  const std::string text(300, 'x');
  for (const std::size_t step : {1U, 55U, 63U, 64U, 65U, 299U}) {
    EXPECT_EQ(digest(DigestKind::kSha256, text, step), digest(DigestKind::kSha256, text)) << step;
    EXPECT_EQ(digest(DigestKind::kSha1, text, step), digest(DigestKind::kSha1, text)) << step;
  }
}

}  // namespace
}  // namespace lq::hub
