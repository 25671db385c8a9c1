// Every event becomes a row of numbers in arrays; two sorts bring an item's users and durations together.

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.regex.*;
import java.util.stream.*;

public class Main {
    record Line(long hour, String item, long users, long p95) {}

    static final Pattern EVENT = Pattern.compile("([0-9]+),([^,]+),([^,]+),([0-9]+)");

    public static void main(String[] args) throws IOException {
        List<String> names = new ArrayList<>();
        Map<String, Integer> numbers = new HashMap<>();
        long[][] columns = new long[4][1 << 19];
        int count = 0, malformed = 0;
        Scanner in = new Scanner(new BufferedInputStream(System.in, 1 << 16), StandardCharsets.UTF_8).useDelimiter("\n");
        while (in.hasNext()) {
            Matcher found = EVENT.matcher(in.next());
            if (!found.matches() || !small(found.group(1)) || !small(found.group(4))) {
                malformed++;
                continue;
            }
            columns[0][count] = Long.parseLong(found.group(1)) / 3600;
            columns[1][count] = known("i" + found.group(3), names, numbers);
            columns[2][count] = known("u" + found.group(2), names, numbers);
            columns[3][count++] = Long.parseLong(found.group(4));
        }
        Integer[] order = IntStream.range(0, count).boxed().toArray(Integer[]::new);
        Comparator<Integer> byKey = by(columns[0]).thenComparing(by(columns[1]));
        Arrays.sort(order, byKey.thenComparing(by(columns[3])));
        List<Line> lines = new ArrayList<>();
        for (int from = 0, to; from < count; from = to) {
            to = from;
            while (to < count && byKey.compare(order[to], order[from]) == 0) to++;
            long users = Arrays.stream(order, from, to).mapToLong(row -> columns[2][row]).distinct().count();
            int place = from + (int) Math.ceil(0.95 * (to - from) - 1e-9) - 1;
            String item = names.get((int) columns[1][order[from]]).substring(1);
            lines.add(new Line(columns[0][order[from]], item, users, columns[3][order[place]]));
        }
        StringBuilder out = new StringBuilder("hour,rank,item,users,p95\n");
        lines.stream().collect(Collectors.groupingBy(Line::hour, TreeMap::new, Collectors.toList())).forEach((hour, all) -> {
            all.sort(Comparator.comparingLong(Line::users).reversed().thenComparing(Line::item, Main::bytes));
            int rank = 1;
            for (Line one : all.subList(0, Math.min(10, all.size()))) {
                out.append(String.join(",", "" + hour, "" + rank++, one.item, "" + one.users, "" + one.p95)).append('\n');
            }
        });
        out.append("malformed,,,").append(malformed).append(",\n");
        System.out.write(out.toString().getBytes(StandardCharsets.UTF_8));
        System.out.flush();
    }

    static boolean small(String digits) {
        return digits.length() <= 13 && Long.parseLong(digits) <= 1_000_000_000_000L;
    }

    static int known(String name, List<String> names, Map<String, Integer> numbers) {
        Integer number = numbers.putIfAbsent(name, names.size());
        if (number != null) return number;
        names.add(name);
        return names.size() - 1;
    }

    static Comparator<Integer> by(long[] column) {
        return Comparator.comparingLong(row -> column[row]);
    }

    static int bytes(String one, String other) {
        return one.codePoints().boxed().map(point -> String.format("%08x", point)).collect(Collectors.joining())
            .compareTo(other.codePoints().boxed().map(point -> String.format("%08x", point)).collect(Collectors.joining()));
    }
}
