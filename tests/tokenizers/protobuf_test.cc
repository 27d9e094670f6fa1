#include "tokenizers/protobuf.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq::tokenizers {
namespace {

const std::string kFile = "f";

std::string proto(std::initializer_list<int> bytes) {
  std::string out;
  for (const int b : bytes) out.push_back(static_cast<char>(b));
  return out;
}

// The encoding document's own examples: field 1 = 150, field 2 = "testing".
TEST(Protobuf, ReadsItsWireTypes) {
  const std::string bytes = proto({0x08, 0x96, 0x01, 0x12, 0x07}) + "testing" +
                            proto({0x1D, 0, 0, 0x80, 0x3F, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x28, 0x05});
  ProtobufReader reader(bytes, kFile);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.field(), 1U);
  EXPECT_EQ(reader.varint(), 150U);
  EXPECT_THROW(reader.bytes(), Error);
  EXPECT_THROW(reader.float32(), Error);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.field(), 2U);
  EXPECT_EQ(reader.bytes(), "testing");
  EXPECT_THROW(reader.varint(), Error);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.float32(), 1.0F);
  ASSERT_TRUE(reader.next());  // eight bytes, passed over
  EXPECT_EQ(reader.field(), 4U);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.field(), 5U);
  EXPECT_EQ(reader.varint(), 5U);
  EXPECT_FALSE(reader.next());
}

TEST(Protobuf, EndsInsideAFieldAreErrors) {
  for (const std::string& bytes :
       {proto({0x08}), proto({0x08, 0x96}), proto({0x12, 0x07, 't'}), proto({0x1D, 0, 0, 0}),
        proto({0x21, 1, 2, 3, 4, 5, 6, 7}), proto({0x0B}), proto({0x0E, 1}),
        proto({0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}),
        proto({0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})}) {
    ProtobufReader reader(bytes, kFile);
    try {
      while (reader.next()) {
      }
      ADD_FAILURE() << "accepted " << bytes.size() << " bytes";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
      EXPECT_EQ(std::string(e.what()).rfind("f: ", 0), 0U) << e.what();
    }
  }
}

}  // namespace
}  // namespace lq::tokenizers
