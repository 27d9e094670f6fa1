#include "compare/grid_progress.h"

#include <gtest/gtest.h>

#include <vector>

namespace lq {
namespace {

class Told final : public Progress {
 public:
  void begin(std::string_view stage, std::int64_t, std::string_view) override { lines.emplace_back(stage); }
  void update(std::int64_t done, std::string_view) override { lines.push_back(std::to_string(done)); }
  void end() override { lines.emplace_back("end"); }
  void note(std::string_view line) override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

TEST(GridProgress, NamesTheCellAndNotesOnce) {
  Told told;
  GridProgress grid(told);
  grid.cell("1/2 lora");
  grid.begin("finetune", 3, "steps");
  grid.note("needs memory");
  grid.update(3, "");
  grid.end();
  grid.cell("2/2 ours");
  grid.note("needs memory");
  grid.note("new");
  EXPECT_EQ(told.lines, (std::vector<std::string>{"1/2 lora: finetune", "1/2 lora: needs memory", "3", "end",
                                                  "2/2 ours: new"}));
}

}  // namespace
}  // namespace lq
