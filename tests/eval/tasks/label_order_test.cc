#include "eval/tasks/label_order.h"

#include <gtest/gtest.h>

namespace lq {
namespace {

LabelOrder order_of(const char* task, const std::string& id2label,
                    const std::string& architecture = "RobertaForSequenceClassification") {
  return label_order(find_glue_task(task), JsonObject::parse("{\"architectures\": [\"" + architecture +
                                                                 "\"], \"id2label\": " + id2label + "}",
                                                             "[config] c"));
}

using Outputs = std::vector<std::size_t>;

// roberta-large-mnli's.
TEST(LabelOrder, IsTheClassifiersByName) {
  const LabelOrder order = order_of("mnli", R"({"0": "CONTRADICTION", "1": "NEUTRAL", "2": "ENTAILMENT"})");
  EXPECT_EQ(order.output_of, (Outputs{2, 1, 0})) << "entailment, neutral, contradiction";
  EXPECT_EQ(order.names, (std::vector<std::string>{"CONTRADICTION", "NEUTRAL", "ENTAILMENT"}));
  EXPECT_EQ(order.note, "");
  EXPECT_EQ(order_of("rte", R"({"0": "not-entailment", "1": "entailment"})").output_of, (Outputs{1, 0}));
}

TEST(LabelOrder, IsTheTasksWhereNothingElseIsSaid) {
  for (const LabelOrder& order :
       {order_of("mnli", R"({"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"})"),
        order_of("mnli", R"({"0": "entailment", "1": "neutral", "2": "contradiction"})"),
        order_of("mnli", R"({"0": "CONTRADICTION", "1": "NEUTRAL", "2": "ENTAILMENT"})", "RobertaModel"),
        order_of("mnli", "null"), order_of("mnli", R"({"0": "a", "2": "b", "3": "c"})")}) {
    EXPECT_EQ(order.output_of, Outputs{});
    EXPECT_EQ(order.names, (std::vector<std::string>{"entailment", "neutral", "contradiction"}));
    EXPECT_EQ(order.note, "");
  }
  EXPECT_EQ(order_of("stsb", R"({"0": "LABEL_0"})").names.size(), 0U);
}

TEST(LabelOrder, SaysWhatItCannotMatch) {
  EXPECT_EQ(order_of("sst2", R"({"0": "NEGATIVE", "1": "POSITIVE"})").note,
            "the model's labels (NEGATIVE, POSITIVE) are taken for sst2's in this order (0, 1)");
  EXPECT_EQ(order_of("sst2", R"({"0": "a", "1": "b", "2": "c"})").note,
            "the model's classifier has 3 labels (a, b, c), sst2 has 2: a new classifier is drawn");
}

}  // namespace
}  // namespace lq
