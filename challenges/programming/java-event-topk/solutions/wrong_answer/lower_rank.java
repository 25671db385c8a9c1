// expect: fails=percentile score<=60
// The place of the percentile rounded down.

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;

public class Main {
    static final long MOST = 1_000_000_000_000L;
    static final int TOP = 10;

    static class Seen {
        final Set<Integer> users = new HashSet<>();
        long[] took = new long[4];
        int count;

        void add(int user, long ms) {
            users.add(user);
            if (count == took.length) took = Arrays.copyOf(took, 2 * count);
            took[count++] = ms;
        }

        long percentile() {
            long[] ordered = Arrays.copyOf(took, count);
            Arrays.sort(ordered);
            return ordered[Math.max(95 * count / 100, 1) - 1];
        }
    }

    static long number(String text) {
        if (text.isEmpty() || text.length() > 13) return -1;
        for (int at = 0; at < text.length(); at++) {
            if (text.charAt(at) < '0' || text.charAt(at) > '9') return -1;
        }
        long value = Long.parseLong(text);
        return value > MOST ? -1 : value;
    }

    public static void main(String[] args) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        TreeMap<Long, Map<String, Seen>> hours = new TreeMap<>();
        Map<String, Integer> users = new HashMap<>();
        long malformed = 0;
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] fields = line.split(",", -1);
            long ts = fields.length == 4 ? number(fields[0]) : -1;
            long ms = fields.length == 4 ? number(fields[3]) : -1;
            if (ts < 0 || ms < 0 || fields[1].isEmpty() || fields[2].isEmpty()) {
                malformed++;
                continue;
            }
            Integer user = users.computeIfAbsent(fields[1], one -> users.size());
            hours.computeIfAbsent(ts / 3600, one -> new HashMap<>())
                .computeIfAbsent(fields[2], one -> new Seen())
                .add(user, ms);
        }
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out), false, StandardCharsets.UTF_8);
        out.println("hour,rank,item,users,p95");
        Comparator<Map.Entry<String, Seen>> most = Comparator.comparing(one -> -one.getValue().users.size());
        Comparator<Map.Entry<String, Seen>> order =
            most.thenComparing(one -> one.getKey().getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned);
        hours.forEach((hour, items) -> {
            List<Map.Entry<String, Seen>> ranked = new ArrayList<>(items.entrySet());
            ranked.sort(order);
            for (int at = 0; at < Math.min(TOP, ranked.size()); at++) {
                Seen seen = ranked.get(at).getValue();
                String item = ranked.get(at).getKey();
                out.println(hour + "," + (at + 1) + "," + item + "," + seen.users.size() + "," + seen.percentile());
            }
        });
        out.println("malformed,,," + malformed + ",");
        out.flush();
    }
}
