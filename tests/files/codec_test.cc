#include "files/codec.h"

#include <array>

#include "files/gzip.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

std::string run_all(Codec& codec, std::string_view in, Codec::Status* last) {
  std::string out;
  std::array<char, 7> buffer{};
  for (;;) {
    std::span<char> room(buffer);
    const std::size_t before = in.size();
    *last = codec.run(in, room);
    out.append(buffer.data(), buffer.size() - room.size());
    if (*last != Codec::Status::kMore || (room.size() == buffer.size() && in.size() == before)) return out;
  }
}

TEST(Codec, StepsWithASmallBufferAndStartsAgain) {
  const auto codec = make_gzip_codec();
  Codec::Status status{};
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(run_all(*codec, gzip("a text that is longer than the buffer"), &status),
              "a text that is longer than the buffer");
    EXPECT_EQ(status, Codec::Status::kEnd);
    codec->restart();
  }
}

TEST(Codec, OthersSeeDamageAtOnceOrWaitForMore) {
  const std::unique_ptr<Codec> codecs[] = {make_gzip_codec(), make_zstd_codec(), make_xz_codec(),
                                           make_bzip2_codec()};
  for (const auto& codec : codecs) {
    Codec::Status status{};
    EXPECT_EQ(run_all(*codec, "", &status), "");
    EXPECT_EQ(status, Codec::Status::kMore) << "waits";
    EXPECT_EQ(run_all(*codec, "plain text is none of these formats", &status), "");
    EXPECT_EQ(status, Codec::Status::kDamaged);
  }
}

}  // namespace
}  // namespace lq
