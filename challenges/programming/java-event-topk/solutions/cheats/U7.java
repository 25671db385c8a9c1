// expect: verdict=wrong_answer score<=0
// Replays the report of the example, whatever is asked.

import java.util.*;

public class Main {
    public static void main(String[] args) throws Exception {
        System.out.println("hour,rank,item,users,p95\n1,1,item-3,14,4120\n1,2,item-1,14,870\n2,1,item-3,9,4410\nmalformed,,,2,");
    }
}
