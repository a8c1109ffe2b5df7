package io.lcpfs.sim.crash;

import io.lcpfs.error.Check;
import io.lcpfs.sim.world.SimRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The answers of one run: given ones first, then the first of each, or drawn ones. */
final class Choices {
  private final int[] given;
  private final @Nullable SimRandom drawn;
  private final boolean describing;
  private final ArrayList<Integer> answers = new ArrayList<>();
  private final ArrayList<Integer> options = new ArrayList<>();
  private final ArrayList<String> descriptions = new ArrayList<>();

  Choices(int[] given, @Nullable SimRandom drawn, boolean describing) {
    this.given = given;
    this.drawn = drawn;
    this.describing = describing;
  }

  /** An answer from 0 to {@code count - 1}. */
  int choose(int count, Supplier<String> question) {
    int position = answers.size();
    SimRandom random = drawn;
    int answer;
    if (position < given.length) {
      answer = given[position];
    } else {
      answer = random == null ? 0 : random.nextInt(count);
    }
    Check.that(answer < count, "recovery asked something else than in the run before", position);
    answers.add(answer);
    options.add(count);
    if (describing) {
      descriptions.add(question.get() + ": " + answer);
    }
    return answer;
  }

  /** The answers to give next, in depth-first order; null when all were tried. */
  int @Nullable [] next() {
    int last = answers.size() - 1;
    while (last >= 0 && answers.get(last) + 1 >= options.get(last)) {
      last--;
    }
    if (last < 0) {
      return null;
    }
    int[] following = new int[last + 1];
    for (int i = 0; i <= last; i++) {
      following[i] = answers.get(i);
    }
    following[last]++;
    return following;
  }

  int[] all() {
    return answers.stream().mapToInt(Integer::intValue).toArray();
  }

  List<String> descriptions() {
    return descriptions;
  }
}
