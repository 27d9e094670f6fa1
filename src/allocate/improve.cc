#include "allocate/improve.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace lq {
namespace {

// Another choice for one matrix, and what it would change.
struct Move {
  double storage;  // bits; negative frees some
  double error;
  int matrix;
  int to;
  int key;  // two moves with the same key are not made together
};

struct Change {
  double error = 0;  // < 0 for an improvement
  const Move* first = nullptr;
  const Move* second = nullptr;
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The two best moves of distinct keys seen so far.
struct BestTwo {
  const Move* best = nullptr;
  const Move* other = nullptr;
  void add(const Move& move) {
    if (best == nullptr || move.error < best->error) {
      if (best != nullptr && best->key != move.key) other = best;
      best = &move;
    } else if (best->key != move.key && (other == nullptr || move.error < other->error)) {
      other = &move;
    }
  }
  const Move* best_without(int key) const { return best != nullptr && best->key == key ? other : best; }
};

// The best change by one or two of the moves that takes at most `room` bits. Sorts `moves`.
void best_change(std::vector<Move>& moves, double room, Change& best) {
  std::sort(moves.begin(), moves.end(), [](const Move& a, const Move& b) {
    return std::tie(a.storage, a.matrix, a.to) < std::tie(b.storage, b.matrix, b.to);
  });
  BestTwo partners;
  std::size_t seen = 0;
  // As the first move's storage falls, more and more moves fit beside it.
  for (std::size_t k = moves.size(); k-- > 0;) {
    const Move& first = moves[k];
    if (first.storage <= room && first.error < best.error) best = {first.error, &first, nullptr};
    while (seen < moves.size() && moves[seen].storage + first.storage <= room) partners.add(moves[seen++]);
    const Move* second = partners.best_without(first.key);
    if (second != nullptr && first.error + second->error < best.error) {
      best = {first.error + second->error, &first, second};
    }
  }
}

class Search {
 public:
  Search(const Programme& programme, double budget, const std::vector<std::vector<double>>& reduced,
         double window)
      : programme_(programme), budget_(budget), window_(window), reduced_(reduced) {}

  // Makes the best change; false when there is none.
  bool step(Selection& selection) {
    const double room = room_in(budget_, total_storage(programme_, selection));
    std::vector<double> cap_room;
    for (const Cap& cap : programme_.caps) {
      cap_room.push_back(room_in(cap.storage, cap_storage(programme_, selection, cap)));
    }
    // Rounding must not make a change look like a gain.
    Change best{-4 * std::numeric_limits<double>::epsilon() * total_error(programme_, selection)};
    // Changes of which each move alone respects its cap.
    moves_.clear();
    for (std::size_t i = 0; i < selection.size(); ++i) {
      const int cap = programme_.cap_of[i];
      const double limit = cap < 0 ? kInfinity : cap_room[static_cast<std::size_t>(cap)];
      const int key = cap < 0 ? static_cast<int>(i) : static_cast<int>(selection.size()) + cap;
      add_moves(selection, static_cast<int>(i), key, limit, moves_);
    }
    best_change(moves_, room, best);
    // Pairs within one cap.
    within_.resize(programme_.caps.size());
    for (std::size_t g = 0; g < within_.size(); ++g) {
      within_[g].clear();
      for (const int i : programme_.caps[g].members) add_moves(selection, i, i, kInfinity, within_[g]);
      best_change(within_[g], std::min(room, cap_room[g]), best);
    }
    if (best.first == nullptr) return false;
    for (const Move* move : {best.first, best.second}) {
      if (move != nullptr) selection[static_cast<std::size_t>(move->matrix)] = move->to;
    }
    return true;
  }

 private:
  void add_moves(const Selection& selection, int matrix, int key, double limit,
                 std::vector<Move>& moves) const {
    const auto i = static_cast<std::size_t>(matrix);
    const std::vector<Choice>& choices = programme_.matrices[i];
    const Choice& from = choices[static_cast<std::size_t>(selection[i])];
    for (std::size_t c = 0; c < choices.size(); ++c) {
      const Move move{choices[c].storage - from.storage, choices[c].error - from.error, matrix,
                      static_cast<int>(c), key};
      if (move.to != selection[i] && reduced_[i][c] < window_ && move.storage <= limit) moves.push_back(move);
    }
  }

  const Programme& programme_;
  double budget_;
  double window_;
  const std::vector<std::vector<double>>& reduced_;
  std::vector<Move> moves_;
  std::vector<std::vector<Move>> within_;
};

}  // namespace

void improve(const Programme& programme, double budget, const std::vector<std::vector<double>>& reduced,
             const ImproveLimits& limits, Selection& selection) {
  Search search(programme, budget, reduced, limits.window);
  while (total_error(programme, selection) > limits.good_enough && search.step(selection)) {
  }
}

}  // namespace lq
